// The record of changes in words: which field was what, and is what now.

import { dateText, instantText, isCivilDate, parseUtc } from '../../civil/calendar.ts'

export interface ChangeLine {
  readonly field: string
  readonly before: string
  readonly after: string
}

const FIELD_WORDS: Readonly<Record<string, string>> = {
  number: 'Number',
  name: 'Name',
  address: 'Address',
  email: 'E-mail',
  phone: 'Phone',
  language: 'Language',
  code: 'Code',
  zone: 'Time zone',
  customer: 'Customer',
  service_point: 'Service point',
  from_date: 'From',
  to_date: 'First day after it',
  billed_from: 'Billed from',
  contract: 'Contract',
  tariff: 'Tariff',
  missing: 'When a reading is missing',
  meter: 'Meter',
  from_ts: 'From',
  to_ts: 'Until',
  main_meter: 'Behind main meter',
  make: 'Make',
  medium: 'Medium',
  digits: 'Digits',
  multiplier: 'Multiplier',
  billed_by: 'Billed by',
}

const wordsOf = (field: string): string => FIELD_WORDS[field] ?? field.replaceAll('_', ' ')

/** What stands where nothing does. */
const NOTHING = '—'

function text(value: unknown, zone: string): string {
  if (value === null || value === undefined || value === '') return NOTHING
  const plain = typeof value === 'string' ? value : JSON.stringify(value)
  if (isCivilDate(plain)) return dateText(plain)
  const at = /^\d{4}-\d\d-\d\dT/.test(plain) ? parseUtc(plain) : null
  return at === null ? plain : instantText(at, zone)
}

/** The fields that differ; of a new row all that are filled in, of a deleted one as well. */
export function changeLines(
  change: { readonly before: unknown; readonly after: unknown },
  zone: string,
): readonly ChangeLine[] {
  const [before, after] = [fieldsOf(change.before), fieldsOf(change.after)]
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return names
    .map((name) => ({
      field: wordsOf(name),
      before: text(before[name], zone),
      after: text(after[name], zone),
    }))
    .filter((line) => line.before !== line.after)
}

const fieldsOf = (row: unknown): Readonly<Record<string, unknown>> =>
  typeof row === 'object' && row !== null ? Object.fromEntries(Object.entries(row)) : {}

/** `changed`, `entered` or `taken back`. */
export function changeVerb(change: { readonly before: unknown; readonly after: unknown }): string {
  if (change.before === null) return 'entered'
  return change.after === null ? 'taken back' : 'changed'
}
