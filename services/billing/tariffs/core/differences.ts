// What changes from one version of a tariff to the next, line by line in the field's words: whoever
// publishes reads `Energy, 101 to 300 kWh: ₹7.43 → ₹7.60`, not two documents side by side.

import { amountText } from '../../civil/amount-text.ts'
import { decimalText, ZERO } from '../../civil/money.ts'
import type { Charge, SlabCharge, Tariff } from './tariff.ts'
import { chargeWords, labelOf, rangeText, ruleWords } from './words.ts'

export interface Difference {
  readonly what: string
  /** Null: not there before. */
  readonly before: string | null
  /** Null: not there any more. */
  readonly after: string | null
}

/** Empty when both say the same. */
export function differences(before: Tariff, after: Tariff): readonly Difference[] {
  const found = [
    ...changed('Name', before.name, after.name),
    ...changed('Currency', before.currency, after.currency),
    ...changed('Digits of the smallest coin', `${before.minorDigits}`, `${after.minorDigits}`),
    ...rules(before, after),
  ]
  for (const charge of after.charges) {
    const old = before.charges.find(({ code }) => code === charge.code)
    if (old === undefined || old.kind !== charge.kind) {
      const words = old === undefined ? null : chargeWords(old, before)
      found.push({ what: charge.label, before: words, after: chargeWords(charge, after) })
    } else {
      found.push(...chargeDifferences({ charge: old, tariff: before }, { charge, tariff: after }))
    }
  }
  for (const charge of before.charges) {
    if (!after.charges.some(({ code }) => code === charge.code))
      found.push({ what: charge.label, before: chargeWords(charge, before), after: null })
  }
  found.push(...changed('Order of the lines', orderOf(before, after), orderOf(after, before)))
  found.push(...changed('Source', before.source, after.source))
  return found
}

function changed(what: string, before: string, after: string): readonly Difference[] {
  return before === after ? [] : [{ what, before, after }]
}

function rules(before: Tariff, after: Tariff): readonly Difference[] {
  const old = new Map(ruleWords(before))
  return ruleWords(after).flatMap(([name, words]) => changed(name, old.get(name) ?? '', words))
}

/** The lines that both have, in the order of the first. */
const orderOf = (tariff: Tariff, other: Tariff): string =>
  tariff.charges
    .filter(({ code }) => other.charges.some((charge) => charge.code === code))
    .map(({ code }) => code)
    .join(', ')

interface Side<Kind extends Charge = Charge> {
  readonly charge: Kind
  readonly tariff: Tariff
}

function chargeDifferences(before: Side, after: Side): readonly Difference[] {
  const label = changed('Label of a line', before.charge.label, after.charge.label)
  const { charge } = after
  if (charge.kind !== 'slabs' || before.charge.kind !== 'slabs') {
    return [...label, ...changed(charge.label, wordsOf(before), wordsOf(after))]
  }
  const [old, now] = [
    { charge: before.charge, tariff: before.tariff },
    { charge, tariff: after.tariff },
  ]
  return [...label, ...slabDifferences(old, now)]
}

/** What a fixed charge or a tax costs; that it follows the days is a rule of the whole tariff. */
function wordsOf({ charge, tariff }: Side): string {
  if (charge.kind === 'fixed') return amountText(decimalText(charge.amount), tariff)
  if (charge.kind === 'slabs') return chargeWords(charge, tariff)
  const lines = charge.on.map((code) => labelOf(tariff, code)).join(', ')
  return `${decimalText(charge.percent)} % of ${lines}`
}

/** By range: equal ranges compare their prices, a moved limit ends some and begins others. */
function slabDifferences(before: Side<SlabCharge>, after: Side<SlabCharge>): readonly Difference[] {
  const [old, now] = [pricesOf(before), pricesOf(after)]
  const { label } = after.charge
  const ranges = [...new Set([...now.keys(), ...old.keys()])]
  return ranges.flatMap((range) => {
    const [was, is] = [old.get(range) ?? null, now.get(range) ?? null]
    const what = range === 'all' ? label : `${label}, ${range} kWh`
    return was === is ? [] : [{ what, before: was, after: is }]
  })
}

const pricesOf = ({ charge, tariff }: Side<SlabCharge>): ReadonlyMap<string, string> =>
  new Map(
    charge.slabs.map(({ upTo, rate }, i) => [
      rangeText(charge.slabs[i - 1]?.upTo ?? ZERO, upTo, tariff.currency),
      amountText(decimalText(rate), tariff),
    ]),
  )
