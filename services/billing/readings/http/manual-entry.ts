// A typed reading: from the fields of a form to what is stored, or to what is wrong with each. The
// same for operators and customers; what they may read differs in the meter they are given.

import type { FastifyRequest } from 'fastify'
import type { UnixMs } from '../../../../shared/units.ts'
import { UNIT } from '../../../../shared/meter/reading.ts'
import { instantOf, instantText, isCivilDate, localText } from '../../civil/calendar.ts'
import { quantityText, registerText } from '../../kit/format.ts'
import { type FieldErrors, type FormState, hasErrors, readForm } from '../../kit/form.ts'
import { isPlainText } from '../../kit/plain-text.ts'
import { misfitOf, placeAt, type PlaceOfMeter, zoneOf } from '../core/manual.ts'
import type { KnownRegister, ManualMeterView } from '../core/manual-views.ts'
import { registerUnit, registerValue } from '../core/typed-register.ts'

const NAMES = [
  'register',
  'value',
  'unit',
  'at',
  'sure',
  'kind',
  'photo',
  'note',
  'approve',
] as const
type Typed = Readonly<Record<(typeof NAMES)[number], string>>

/** Longest of the free texts. */
const PHOTO_CHARS_MAX = 200
const NOTE_CHARS_MAX = 500

/** Registers by which meters of a medium are billed, where none is known of the meter yet. */
const USUAL = {
  electricity: ['1-0:1.8.0*255', '1-0:1.8.1*255', '1-0:1.8.2*255', '1-0:2.8.0*255'],
  water: ['8-0:1.0.0*255'],
  heat: ['6-0:1.0.0*255'],
  gas: ['7-0:3.0.0*255'],
} as const
const USUAL_UNIT = { electricity: 'kWh', water: 'm3', heat: 'kWh', gas: 'm3' } as const

/** The registers of a meter that somebody may read, by OBIS code. */
function codesOf({ registers, billedBy, medium }: ManualMeterView): readonly string[] {
  const known = [...registers.map(({ obis }) => obis), ...(billedBy ?? [])]
  return [...new Set(known.length === 0 ? USUAL[medium] : known)]
}

/** For a select: each register with the newest value of it. */
export function registerChoices(meter: ManualMeterView): readonly (readonly [string, string])[] {
  return codesOf(meter).map((obis) => {
    const newest = meter.registers.find((known) => known.obis === obis)
    const last = newest === undefined ? '' : `, last ${lastText(newest)}`
    return [obis, `${registerText(obis)}${last}`] as const
  })
}

const lastText = ({ newest, unit }: KnownRegister): string =>
  quantityText(newest.value, newest.exponent, unit)

/** The form before anything is typed. */
export function blankEntry(meter: ManualMeterView, now: UnixMs): FormState {
  const [register = ''] = codesOf(meter)
  const place = meter.places[0]
  const at = place === undefined ? '' : localText(now, zoneOf(place)).replace(' ', 'T')
  const known = meter.registers.find(({ obis }) => obis === register)
  const unit = known?.unit === UNIT.J ? 'GJ' : USUAL_UNIT[meter.medium]
  return { values: { register, at, unit, kind: 'technician' }, errors: {} }
}

export interface TypedReading {
  readonly obis: string
  readonly unit: number
  readonly value: number
  readonly exponent: number
  readonly at: UnixMs
  readonly zone: string
  readonly photo: string
  readonly note: string
  readonly sure: boolean
}

export type Read =
  | { readonly ok: true; readonly values: Typed; readonly reading: TypedReading }
  | { readonly ok: false; readonly values: Typed; readonly errors: FieldErrors }

export function readEntry(request: FastifyRequest, meter: ManualMeterView, now: UnixMs): Read {
  const values = readForm(request, NAMES)
  const errors: Record<string, string> = {}
  const known = meter.registers.find(({ obis }) => obis === values.register)
  if (!codesOf(meter).includes(values.register)) errors['register'] = 'Choose one of these.'
  const number = numberOf(values, known ?? null, meter.digits)
  if ('error' in number) errors[number.field] = number.error
  const time = timeOf(values.at, meter.places, now)
  if ('error' in time) errors['at'] = time.error
  for (const [name, most] of [
    ['photo', PHOTO_CHARS_MAX],
    ['note', NOTE_CHARS_MAX],
  ] as const) {
    if (values[name].length > most || !isPlainText(values[name])) {
      errors[name] = `Shorten it to ${most} letters.`
    }
  }
  if (hasErrors(errors) || 'error' in number || 'error' in time)
    return { ok: false, values, errors }
  const { register: obis, photo, note, sure } = values
  const reading = { obis, ...number, ...time, photo, note, sure: sure === 'yes' }
  return { ok: true, values, reading }
}

interface FieldError {
  readonly field: string
  readonly error: string
}

function numberOf(
  { value: text, unit: name }: Typed,
  known: KnownRegister | null,
  digits: number | null,
): { readonly unit: number; readonly value: number; readonly exponent: number } | FieldError {
  const unit = registerUnit(name)
  if (unit === null || (known !== null && known.unit !== unit.unit)) {
    return { field: 'unit', error: 'This register does not count in that. Choose another unit.' }
  }
  const field = 'value'
  if (text === '') return { field, error: 'Write what the display shows.' }
  if (/^\d+,\d+$/.test(text)) {
    return { field, error: 'Write a point before the decimals, and nothing between thousands.' }
  }
  const typed = registerValue(text, unit.power)
  if (typed === null) {
    return { field, error: 'Write digits alone, with a point before the decimals: 012345.6' }
  }
  const misfit = misfitOf(typed, { exponent: known?.exponent ?? null, digits, power: unit.power })
  if (misfit === null) return { unit: unit.unit, ...typed }
  return misfit.is === 'too fine'
    ? { field, error: `This register has ${misfit.decimals} digits behind the point in ${name}.` }
    : { field, error: `This register has ${misfit.digits} digits in all. Look for one too many.` }
}

const LOCAL_TIME = /^(\d{4}-\d\d-\d\d)[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?$/

function timeOf(
  text: string,
  places: readonly PlaceOfMeter[],
  now: UnixMs,
): { readonly at: UnixMs; readonly zone: string } | { readonly error: string } {
  const [, date = ''] = LOCAL_TIME.exec(text) ?? []
  if (!isCivilDate(date) || date < '2000') {
    return { error: 'Write the date and time as 2026-05-31 10:30.' }
  }
  const local = text.replace(' ', 'T')
  for (const place of places) {
    const zone = zoneOf(place)
    const at = instantOf(local, zone)
    if (at > now) return { error: `That is still to come: here it is ${instantText(now, zone)}.` }
    if (placeAt([place], at) !== null) return { at, zone }
  }
  return { error: nowhereText(places) }
}

function nowhereText(places: readonly PlaceOfMeter[]): string {
  const [place] = places
  if (place === undefined) return 'This meter is installed nowhere: install it first.'
  const { contract, from, to, servicePoint } = place
  const zone = zoneOf(place)
  const until = to === null ? '' : ` to ${instantText(to, zone)}`
  const since = `it hangs at ${servicePoint} from ${instantText(from, zone)}${until}`
  const own = contract === null ? '' : `, and yours it is from ${contract.from}`
  return `The meter was not there at that time: ${since}${own}. Correct the time.`
}
