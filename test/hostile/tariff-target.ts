// Tariff documents as files: damaged bytes, and damaged values in a text that is JSON all the
// same. A refused one has its mistakes inside the text; one that is taken prints and reads back as
// itself, bills any consumption, and can be compared.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { toText } from '../../shared/bytes.ts'
import { packageRoot } from '../../shared/node/root.ts'
import { differences } from '../../services/billing/tariffs/core/differences.ts'
import { tariffText } from '../../services/billing/tariffs/core/print.ts'
import { workedBill } from '../../services/billing/tariffs/core/trial.ts'
import { exampleTariffs } from '../../services/billing/tariffs/shell/examples.ts'
import { readTariffText, tariffFile } from '../../services/billing/tariffs/shell/tariff-text.ts'
import { chanceOf } from '../sim/prng.ts'
import type { Target } from './mutation.ts'

const EXAMPLES = exampleTariffs()
// Copied: a slice of a Buffer would damage the seed itself.
const seeds = EXAMPLES.map(
  ({ id }) =>
    new Uint8Array(readFileSync(join(packageRoot(), 'docs/examples/tariffs', `${id}.json`))),
)

function read(text: string): boolean {
  const verdict = readTariffText(text)
  if (!verdict.ok) {
    const lines = text.split(/\r\n|\r|\n/)
    assert.ok(verdict.faults.length > 0 && verdict.faults.length <= 50)
    for (const { line, column, why } of verdict.faults) {
      assert.ok(line >= 1 && line <= lines.length && why !== '')
      assert.ok(column >= 1 && column <= (lines[line - 1] ?? '').length + 1)
    }
    return false
  }
  const again = readTariffText(tariffText(verdict.tariff))
  assert.ok(again.ok && again.hash === verdict.hash, 'printed and read back')
  for (const [kWh, to] of [
    ['0', '2026-05-02'],
    ['999999999999999999.999999999999', '2026-12-31'],
  ] as const) {
    assert.ok(workedBill(verdict.tariff, { kWh, from: '2026-04-20', to }).ok)
  }
  for (const { tariff } of EXAMPLES) differences(tariff, verdict.tariff)
  return true
}

const bytes: Target = {
  name: 'tariff file',
  seeds,
  feed: (input) => {
    const file = tariffFile(input)
    return file.ok && read(file.text)
  },
}

/** Values and names that a tariff has somewhere, and those that none has. */
const VALUES: readonly string[] = [
  'null true 0 -1 2 1.1 1e999 4 120 9007199254740993 "" " " "0" "-5" "1,5" "1e3" "3.46" "INR"',
  '"days/30" "days/month" "none" "slabs" "fixed" "tax" "energy" "\\u0000" "\\ud800" [] {} [[]]',
  '[null] ["energy"] ["energy","energy"] {"upTo":"5","rate":"1"} {"rate":"1"} "999999999999999999"',
].flatMap((line) => line.split(' '))
const NAMES = ['"upTo"', '"rate"', '"kind"', '"code"', '"on"', '"monthDigits"', '"__proto__"']

/** Puts another value or name in places that the input's bytes choose. */
const values: Target = {
  name: 'tariff values',
  seeds,
  feed: (input) => {
    const chance = chanceOf(
      input.reduce((sum, byte) => (sum * 31 + byte) >>> 0, 7),
      'tariff',
    )
    const [seed] = seeds
    if (seeds.some((one) => Buffer.compare(one, input) === 0)) return read(toText(input))
    const text = toText(seeds[chance.below(seeds.length)] ?? seed ?? input)
    const pieces = text.split(/("(?:[^"\\]|\\.)*"|\b\d+\b)/)
    for (let left = 1 + chance.below(3); left > 0; left -= 1) {
      const at = 1 + 2 * chance.below((pieces.length - 1) / 2)
      const isName = /^\s*:/.test(pieces[at + 1] ?? '')
      const choice = isName ? NAMES : VALUES
      pieces[at] = choice[chance.below(choice.length)] ?? ''
    }
    return read(pieces.join(''))
  },
}

export const TARIFF_TARGETS: readonly Target[] = [bytes, values]
