// Published tariffs that come with Ticklock (docs/examples/tariffs), to be taken over by one click.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../../../shared/node/root.ts'
import type { Tariff } from '../core/tariff.ts'
import { readTariffText } from './tariff-text.ts'

export interface ExampleTariff {
  /** Name of its file, without the ending. */
  readonly id: string
  readonly tariff: Tariff
  readonly text: string
}

const FOLDER = 'docs/examples/tariffs'

/** Those that lie there, by name; a file that is no tariff is left out (a test sees to it that none
 * is). */
export function exampleTariffs(root = packageRoot()): readonly ExampleTariff[] {
  const folder = join(root, FOLDER)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .flatMap((name) => {
      const text = readFileSync(join(folder, name), 'utf8')
      const verdict = readTariffText(text)
      return verdict.ok
        ? [{ id: name.slice(0, -'.json'.length), tariff: verdict.tariff, text }]
        : []
    })
}
