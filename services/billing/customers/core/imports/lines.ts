// From one line of a file to what it says: every cell that is not blank is a value or a refusal. A
// blank cell says nothing: what exists keeps its value, what is new gets the usual one.

import type { Obis } from '../../../../../shared/meter/obis.ts'
import {
  type Checked,
  type FieldErrors,
  MEDIUM,
  MISSING,
  type RegisterEntry,
  READING_KIND,
  registerEntry,
} from '../entries.ts'
import {
  BILLED_BY,
  BLANK,
  DATE,
  DIGITS,
  EMAIL,
  type Field,
  type FieldError,
  LANGUAGE,
  LOCAL,
  LONG,
  METER_NUMBER,
  MULTIPLIER,
  PHONE,
  SHORT,
  ZONE,
} from '../fields.ts'
import { addDays } from '../../../civil/calendar.ts'
import { CELL_CHARS_MAX, type Dialect, isoDate, pointNumber } from './dialect.ts'
import { KIND_PLANS, type Kind, type Target } from './kinds.ts'
import type { Mapping } from './mapping.ts'

/** What is wrong with a line, in which of its columns (null: the line itself). */
export interface Refusal {
  readonly line: number
  readonly target: Target | null
  readonly error: FieldError
}

/** A line as the database stages it; null: it says nothing about that. */
export interface StagedLine {
  readonly line: number
  readonly customer: string | null
  readonly name: string | null
  readonly address: string | null
  readonly email: string | null
  readonly phone: string | null
  readonly language: string | null
  readonly point: string | null
  readonly point_address: string | null
  readonly zone: string | null
  readonly meter: string | null
  readonly make: string | null
  readonly medium: string | null
  readonly digits: number | null
  readonly multiplier: number | null
  /** OBIS codes with blanks between. */
  readonly billed_by: string | null
  /** Local: `2026-05-31T10:30:00`. */
  readonly installed: string | null
  readonly removed: string | null
  readonly main_meter: string | null
  readonly contract: string | null
  readonly from_date: string | null
  readonly to_date: string | null
  readonly billed_from: string | null
  readonly tariff: string | null
  readonly tariff_from: string | null
  readonly missing: string | null
}

/** A register that a line gives. */
export interface StagedReading {
  readonly line: number
  readonly target: Target
  readonly meter: string
  readonly obis: Obis
  readonly unit: number
  readonly value: number
  readonly exponent: number
  readonly kind: string
  /** Local; null: when the meter was installed. */
  readonly at: string | null
  readonly photo: string
  readonly note: string
}

export type LineVerdict =
  | { readonly ok: true; readonly line: StagedLine; readonly readings: readonly StagedReading[] }
  | { readonly ok: false; readonly refusals: readonly Refusal[] }

/** How the lines of one file are read. */
export interface LineReader {
  readonly kind: Kind
  readonly mapping: Mapping
  readonly dialect: Pick<Dialect, 'decimal' | 'dates' | 'zone'>
}

const DATES: ReadonlySet<Target> = new Set<Target>([
  'installation.from',
  'installation.to',
  'contract.from',
  'contract.to',
  'contract.lastDay',
  'contract.billedFrom',
  'contract.tariffFrom',
  'reading.at',
])
const NUMBERS: ReadonlySet<Target> = new Set<Target>([
  'opening.value',
  'opening.t1',
  'opening.t2',
  'reading.value',
])

/** A line of cells by their places, and what was wrong with it so far. */
class Cells {
  readonly refusals: Refusal[] = []
  readonly #line: number
  readonly #texts = new Map<Target, string>()

  constructor(line: number, cells: readonly string[], reader: LineReader) {
    this.#line = line
    for (const [at, target] of reader.mapping.entries()) {
      const text = (cells[at] ?? '').trim()
      if (target === null || text === '') continue
      this.#texts.set(target, readable(target, text, reader.dialect))
    }
  }

  has(target: Target): boolean {
    return this.#texts.has(target)
  }

  text(target: Target): string {
    return this.#texts.get(target) ?? ''
  }

  /** The value of a cell; null when it is blank or refused. */
  take<T>(target: Target, field: Field<T>): T | null {
    const text = this.#texts.get(target)
    if (text === undefined) return null
    const parsed = field.parse(text)
    if (parsed.ok) return parsed.value
    this.refuse(target, parsed.error)
    return null
  }

  refuse(target: Target | null, error: FieldError): void {
    this.refusals.push({ line: this.#line, target, error })
  }

  /** Whether the line says anything under a group but its key. */
  says(group: string, key: Target): boolean {
    return [...this.#texts.keys()].some(
      (target) => target.startsWith(`${group}.`) && target !== key,
    )
  }
}

function readable(target: Target, text: string, dialect: LineReader['dialect']): string {
  if (DATES.has(target)) return isoDate(text, dialect.dates)
  return NUMBERS.has(target) ? pointNumber(text, dialect.decimal) : text
}

/** Reads the cells of a line; `line` is its number in the file, the header's is 1. */
export function readLine(line: number, cells: readonly string[], reader: LineReader): LineVerdict {
  const problem = shapeProblem(cells, reader.mapping.length)
  if (problem !== null) return { ok: false, refusals: [{ line, target: null, error: problem }] }
  const held = new Cells(line, cells, reader)
  const staged = { ...partiesOf(held), ...periodsOf(held), line }
  const readings = readingsOf(held, staged, reader.kind)
  checkKeys(held, reader.kind)
  checkOrder(held, staged)
  if (held.refusals.length > 0) return { ok: false, refusals: held.refusals }
  return { ok: true, line: staged, readings }
}

function shapeProblem(cells: readonly string[], columns: number): FieldError | null {
  if (cells.length !== columns) {
    const reason = `has ${cells.length} cells where the header has ${columns}`
    return { reason, remedy: 'put a cell that holds a separator in quotes' }
  }
  if (cells.some((cell) => cell.length > CELL_CHARS_MAX)) {
    const reason = `has a cell of more than ${CELL_CHARS_MAX} characters`
    return { reason, remedy: 'close its quotes, or shorten it' }
  }
  return null
}

const partiesOf = (cells: Cells) => ({
  customer: cells.take('customer.number', SHORT),
  name: cells.take('customer.name', SHORT),
  address: cells.take('customer.address', LONG),
  email: cells.take('customer.email', EMAIL),
  phone: cells.take('customer.phone', PHONE),
  language: cells.take('customer.language', LANGUAGE),
  point: cells.take('point.code', SHORT),
  point_address: cells.take('point.address', LONG),
  zone: cells.take('point.zone', ZONE),
  meter: cells.take('meter.number', METER_NUMBER),
  make: cells.take('meter.make', SHORT),
  medium: cells.take('meter.medium', MEDIUM),
  digits: cells.take('meter.digits', DIGITS),
  multiplier: cells.take('meter.multiplier', MULTIPLIER),
  billed_by: cells.take('meter.billedBy', BILLED_BY)?.join(' ') ?? null,
})

function periodsOf(cells: Cells) {
  const lastDay = cells.take('contract.lastDay', DATE)
  return {
    installed: cells.take('installation.from', LOCAL),
    removed: cells.take('installation.to', LOCAL),
    main_meter: cells.take('installation.mainMeter', METER_NUMBER),
    contract: cells.take('contract.number', SHORT),
    from_date: cells.take('contract.from', DATE),
    to_date: lastDay === null ? cells.take('contract.to', DATE) : addDays(lastDay, 1),
    billed_from: cells.take('contract.billedFrom', DATE),
    tariff: cells.take('contract.tariff', SHORT),
    tariff_from: cells.take('contract.tariffFrom', DATE),
    missing: cells.take('contract.missing', MISSING),
  }
}

/** A group that says something needs its key; a period needs both of its ends. */
function checkKeys(cells: Cells, kind: Kind): void {
  for (const target of KIND_PLANS[kind].needs) {
    if (!cells.has(target)) cells.refuse(target, BLANK)
  }
  const needs = (target: Target, isNeeded: boolean, remedy: string): void => {
    if (isNeeded && !cells.has(target) && !KIND_PLANS[kind].needs.includes(target)) {
      cells.refuse(target, { reason: 'is blank', remedy })
    }
  }
  const key = 'fill it in, or leave out what it belongs to'
  needs('customer.number', cells.says('customer', 'customer.number'), key)
  needs('point.code', cells.says('point', 'point.code'), key)
  const hangs =
    cells.says('installation', 'installation.from') || cells.says('opening', 'opening.unit')
  needs('meter.number', cells.says('meter', 'meter.number') || hangs, key)
  const agreed = cells.says('contract', 'contract.from')
  needs('customer.number', agreed && !cells.says('customer', 'customer.number'), key)
}

function checkOrder(cells: Cells, staged: StagedLine): void {
  const { from_date: from, to_date: to, billed_from: billed, installed, removed } = staged
  const end: Target = cells.has('contract.lastDay') ? 'contract.lastDay' : 'contract.to'
  const after = { reason: 'is not after the first day', remedy: 'correct one of the two dates' }
  if (from !== null && to !== null && to <= from) cells.refuse(end, after)
  else if (billed !== null && to !== null && to <= billed) cells.refuse(end, after)
  if (from !== null && billed !== null && billed < from) {
    const reason = 'is before the contract begins'
    cells.refuse('contract.billedFrom', { reason, remedy: 'leave it blank, or correct the date' })
  }
  if (installed !== null && removed !== null && removed <= installed) {
    const reason = 'is not after the installation'
    cells.refuse('installation.to', { reason, remedy: 'correct one of the two dates' })
  }
  if (staged.main_meter !== null && staged.main_meter === staged.meter) {
    const remedy = 'name the meter before it, or leave it blank'
    cells.refuse('installation.mainMeter', { reason: 'is the meter itself', remedy })
  }
  const { tariff_from: since } = staged
  if (since !== null && staged.tariff === null) {
    cells.refuse('contract.tariff', {
      reason: 'is blank',
      remedy: 'name it, or leave out its date',
    })
  }
  if (since !== null && ((from !== null && since < from) || (to !== null && since >= to))) {
    const reason = 'is no day of the contract'
    cells.refuse('contract.tariffFrom', { reason, remedy: 'leave it blank, or correct the date' })
  }
}

const T1 = '1-0:1.8.1*255'
const T2 = '1-0:1.8.2*255'

/** The total that a meter of each medium counts (IEC 62056-61, annex). */
const TOTALS: ReadonlyMap<string, string> = new Map([
  ['water', '8-0:1.0.0*255'],
  ['heat', '6-0:1.0.0*255'],
  ['gas', '7-0:3.0.0*255'],
])
const VOLUMES: ReadonlySet<string> = new Set(['water', 'gas'])

function readingsOf(cells: Cells, staged: StagedLine, kind: Kind): readonly StagedReading[] {
  const { meter, medium, line } = staged
  const usual = VOLUMES.has(medium ?? '') ? 'm3' : 'kWh'
  const total = TOTALS.get(medium ?? '') ?? ''
  const register = (target: Target, obis: string, unit: string): readonly RegisterEntry[] => {
    if (!cells.has(target)) return []
    const checked = registerEntry({ value: cells.text(target), obis, unit: unit || usual })
    if (checked.ok) return [checked.entry]
    refuseRegister(cells, target, checked)
    return []
  }
  const staging = (target: Target, entries: readonly RegisterEntry[], rest: Rest) =>
    entries.map((entry) => ({ line, target, meter: meter ?? '', ...entry, ...rest }))
  if (kind === 'readings') {
    const rest = {
      kind: cells.take('reading.kind', READING_KIND) ?? 'technician',
      at: cells.take('reading.at', LOCAL),
      photo: cells.take('reading.photo', SHORT) ?? '',
      note: cells.take('reading.note', LONG) ?? '',
    }
    const [obis, unit] = [cells.text('reading.register'), cells.text('reading.unit')]
    return staging('reading.value', register('reading.value', obis || total, unit), rest)
  }
  const rest = { kind: 'opening', at: null, photo: '', note: '' }
  const unit = cells.text('opening.unit')
  const named = cells.text('opening.register') || total
  return [
    ...staging('opening.value', register('opening.value', named, unit), rest),
    ...staging('opening.t1', register('opening.t1', T1, unit), rest),
    ...staging('opening.t2', register('opening.t2', T2, unit), rest),
  ]
}

type Rest = Pick<StagedReading, 'kind' | 'at' | 'photo' | 'note'>

const REGISTER_PARTS: Readonly<Record<string, string>> = { obis: 'register', unit: 'unit' }

/** The fields of a register are cells of their own: a wrong unit is not a wrong reading. */
function refuseRegister(cells: Cells, target: Target, checked: Checked<unknown>): void {
  const errors: FieldErrors = checked.ok ? {} : checked.errors
  const group = target.startsWith('reading.') ? 'reading' : 'opening'
  for (const [name, error] of Object.entries(errors)) {
    const part = REGISTER_PARTS[name]
    const places = KIND_PLANS[group === 'reading' ? 'readings' : 'installations'].columns
    cells.refuse(places.find((place) => place === `${group}.${part}`) ?? target, error)
  }
}
