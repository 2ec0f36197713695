// The official vectors: data of others, outside this repository (docs/vectors.md). Where they are
// absent their tests are skipped with the reason, and the process says so once in a line that the
// runner repeats at its end.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodeSuite } from '../../../shared/node/node-suite.ts'
import { packageRoot } from '../../../shared/node/root.ts'
import { portableSuite } from './portable-suite.ts'

const named = process.env['TICKLOCK_VECTORS']
const folder = named ?? join(packageRoot(), '../shared/vectors')

/** For a test's options: why it cannot run, or false. A folder that is named must be
 * there. */
export const skip: string | false =
  named !== undefined || existsSync(folder)
    ? false
    : 'the official vectors are not here: set TICKLOCK_VECTORS (docs/vectors.md)'

if (skip !== false) console.log(`VECTORS ABSENT: ${skip}`)

export const officialBytes = (file: string): Uint8Array => readFileSync(join(folder, file))
export const officialText = (file: string): string => readFileSync(join(folder, file), 'utf8')

/** What a Wycheproof file says of every case. */
interface WycheproofCase {
  readonly tcId: number
  readonly comment?: string
  readonly result: 'valid' | 'invalid' | 'acceptable'
  readonly flags: readonly string[]
}

interface WycheproofGroup<Kind> {
  readonly keySize?: number
  readonly ivSize?: number
  readonly tagSize?: number
  readonly tests: readonly (WycheproofCase & Kind)[]
}

/** All cases of the groups that are chosen. */
export function wycheproof<Kind>(
  file: string,
  chosen: (group: WycheproofGroup<Kind>) => boolean = () => true,
): readonly (WycheproofCase & Kind)[] {
  const parsed: { readonly testGroups: readonly WycheproofGroup<Kind>[] } = JSON.parse(
    officialText(file),
  )
  return parsed.testGroups.filter(chosen).flatMap((group) => group.tests)
}

export const suites = { node: nodeSuite, noble: portableSuite }
export const hex = (text: string): Uint8Array => Uint8Array.fromHex(text)
