// What operators change about meters: one meter's facts, the same for many, adoption, and where
// meters hang.

import type { FastifyInstance } from 'fastify'
import { errorTexts, meterEntry } from '../../customers/core/entries.ts'
import { errorText, LOCAL } from '../../customers/core/fields.ts'
import type { Refusal } from '../../customers/core/written.ts'
import type { Registers } from '../../customers/db/installations.ts'
import { localText } from '../../civil/calendar.ts'
import { type Door, field, type Outcome, type Visit } from '../../kit/door.ts'
import {
  type FieldErrors,
  type FormState,
  hasErrors,
  readForm,
  staleOf,
  versionOf,
} from '../../kit/form.ts'
import { quantityNumber, unitText } from '../../kit/format.ts'
import { choicesOf, type ListQuery, readList, readSelection } from '../../kit/list.ts'
import { NOT_FOUND } from '../../kit/trouble.ts'
import type { MeterFields } from '../../readings/db/meter-edits.ts'
import { registerUnit, registerValue } from '../../readings/core/typed-register.ts'
import type { Author } from '../../store/changes.ts'
import { billedRegisters } from '../core/assigning.ts'
import type { MeterRegister, MeterView } from '../core/meters.ts'
import {
  EDIT_LABELS,
  MeterAssignPage,
  MeterEditPage,
  MetersSetPage,
  openingName,
} from '../pages/meter-forms.tsx'
import { choiceOf, type MeterDeps, METER_LIST, meterOf } from './meter-routes.ts'

const TOTAL = '1.8.0'
const TARIFFS = '1.8.1 + 1.8.2'

export function meterFormRoutes(app: FastifyInstance, deps: MeterDeps, page: Door): void {
  const { meters } = deps
  app.get(
    '/meters/:id/edit',
    page(async ({ context, request }) => {
      const view = await meterOf(deps, request)
      if (view === null) return { trouble: NOT_FOUND }
      const form = { values: valuesOf(view), errors: {} }
      return { page: MeterEditPage({ context, ...view, form }) }
    }),
  )
  app.post(
    '/meters/:id/edit',
    page((visit) => edit(deps, visit)),
  )
  app.post(
    '/meters/bulk',
    page((visit) => bulk(deps, visit)),
  )
  app.post(
    '/meters/set',
    page((visit) => setMany(deps, visit)),
  )
  app.get(
    '/meters/:id/assign',
    page(async ({ context, request }) => {
      const view = await meterOf(deps, request)
      if (view === null) return { trouble: NOT_FOUND }
      const zone = await meters.zoneOf(view.id)
      const registers = billedRegisters(view.registers, view.billedBy)
      const values = await suggested(deps, view, zone)
      const form = { values, errors: {} }
      const now = deps.now()
      return { page: MeterAssignPage({ context, view, registers, zone, form, now }) }
    }),
  )
  app.post(
    '/meters/:id/assign',
    page((visit) => assign(deps, visit)),
  )
}

export const authorOf = ({ viewer }: Pick<Visit, 'viewer'>, why: string): Author => ({
  who: viewer.name,
  why,
  importId: null,
})

function valuesOf(view: MeterView): Readonly<Record<string, string>> {
  const { make, medium, digits, multiplier, billedBy } = view
  return {
    make,
    medium,
    digits: digits === null ? '' : String(digits),
    multiplier: String(multiplier),
    billing: billedBy === null ? 'auto' : 'list',
    billedBy: billedBy === null ? '' : billedBy.join(' + '),
    why: '',
  }
}

const WHY_MISSING = 'is blank: write a few words, they stand in the record of changes'
const EDIT_NAMES = ['make', 'medium', 'digits', 'multiplier', 'billing', 'billedBy', 'why'] as const

async function edit(deps: MeterDeps, visit: Visit): Promise<Outcome> {
  const { context, request } = visit
  const view = await meterOf(deps, request)
  if (view === null) return { trouble: NOT_FOUND }
  const { id, number } = view
  const values = readForm(request, EDIT_NAMES)
  const checked = meterEntry({ ...values, number, billedBy: billedByOf(values) })
  const errors: FieldErrors = {
    ...(checked.ok ? {} : errorTexts(checked.errors)),
    ...(values.billing === 'list' && values.billedBy === ''
      ? { billedBy: 'is blank: write the registers, such as 1.8.1 + 1.8.2' }
      : {}),
    ...(values.why === '' ? { why: WHY_MISSING } : {}),
  }
  const shown = versionOf(request)
  if (hasErrors(errors) || !checked.ok) {
    const form = { values, errors }
    const version = shown ?? view.version
    return { status: 422, page: MeterEditPage({ context, id, number, version, form }) }
  }
  const fields: MeterFields = checked.entry
  const written = await deps.meters.edit(authorOf(visit, values.why), { id, shown, fields })
  if (written.is === 'gone') return { trouble: NOT_FOUND }
  if (written.is !== 'overtaken') return { to: `/meters/${id}` }
  const now = await deps.meters.view(id, deps.now())
  const stored = now === null ? {} : { ...valuesOf(now), why: values.why }
  const stale = staleOf({ who: null, at: null, labels: EDIT_LABELS, typed: values, stored })
  const form: FormState = { values, errors: {}, stale }
  const { version } = written
  return { status: 409, page: MeterEditPage({ context, id, number, version, form }) }
}

const billedByOf = ({ billing, billedBy }: Readonly<Record<'billing' | 'billedBy', string>>) =>
  billing === 'total' ? TOTAL : billing === 'tariffs' ? TARIFFS : billing === 'list' ? billedBy : ''

async function bulk(deps: MeterDeps, visit: Visit): Promise<Outcome> {
  const { context, request } = visit
  const selection = readSelection(request, METER_LIST)
  if (selection === null) return { to: '/meters?did=none' }
  const wanted = field(request, 'do')
  if (selection.all && wanted !== 'adopt') return { to: '/meters?did=ticks' }
  const ids = selection.all ? await idsOf(deps, selection.list) : selection.ids
  switch (wanted) {
    case 'adopt': {
      const author = authorOf(visit, 'adopted on the pages')
      const { adopted, deviceless } = await deps.meters.adopt(author, ids)
      const [id] = ids
      if (field(request, 'back') === `/meters/${id}`) return { to: `/meters/${id}` }
      const said = { did: 'adopt', n: String(adopted), without: String(deviceless.length) }
      const list = choicesOf(METER_LIST, readList(request.body, METER_LIST))
      const kept = Object.fromEntries(Object.entries(list).filter(([, value]) => value !== ''))
      return { to: `/meters?${new URLSearchParams({ ...kept, ...said })}` }
    }
    case 'set': {
      const meters = await deps.meters.named(ids, deps.now())
      return { page: MetersSetPage({ context, meters, form: { values: {}, errors: {} } }) }
    }
    case 'assign':
      return { to: `/meters/assign?ids=${ids.join('.')}` }
    default:
      return { to: '/meters' }
  }
}

/** Meters adopted at once: each takes some statements, and the whole must answer in seconds. */
const ADOPT_MAX = 1_000

/** All that the list's choices match, up to so many: what is left matches still. */
async function idsOf({ meters, now }: MeterDeps, list: ListQuery): Promise<readonly number[]> {
  const asked = { ...list, after: null, before: null, limit: ADOPT_MAX - 1 }
  return (await meters.page(choiceOf(list), asked, now())).map(({ id }) => id)
}

/** For many meters at once; what is blank stays. */
async function setMany(deps: MeterDeps, visit: Visit): Promise<Outcome> {
  const { context, request } = visit
  const selection = readSelection(request, METER_LIST)
  if (selection === null || selection.all) return { to: '/meters?did=none' }
  const { ids } = selection
  const values = readForm(request, ['make', 'digits', 'multiplier', 'why'])
  const checked = meterEntry({ ...values, number: '0' })
  const isNothing = values.make === '' && values.digits === '' && values.multiplier === ''
  const errors: FieldErrors = {
    ...(checked.ok ? {} : errorTexts(checked.errors)),
    ...(isNothing ? { make: 'and the others are blank: fill in what is to be set' } : {}),
    ...(values.why === '' ? { why: WHY_MISSING } : {}),
  }
  if (hasErrors(errors) || !checked.ok) {
    const meters = await deps.meters.named(ids, deps.now())
    return { status: 422, page: MetersSetPage({ context, meters, form: { values, errors } }) }
  }
  const { make, digits, multiplier } = checked.entry
  const settings = {
    ...(values.make === '' ? {} : { make }),
    ...(values.digits === '' ? {} : { digits }),
    ...(values.multiplier === '' ? {} : { multiplier }),
  }
  const n = await deps.meters.set(authorOf(visit, values.why), { ids, settings })
  return { to: `/meters?did=set&n=${n}` }
}

async function suggested(
  { meters, now }: MeterDeps,
  view: MeterView,
  zone: string,
): Promise<Readonly<Record<string, string>>> {
  const found = await meters.suggestion(view, { zone, now: now() })
  if (found === null) return { from: localText(now(), zone) }
  return {
    from: localText(found.at, zone),
    ...Object.fromEntries(
      found.registers.map(({ obis, value, exponent, unit }) => [
        openingName(obis),
        quantityNumber(value, exponent, unit),
      ]),
    ),
  }
}

async function assign(deps: MeterDeps, visit: Visit): Promise<Outcome> {
  const { context, request } = visit
  const view = await meterOf(deps, request)
  if (view === null) return { trouble: NOT_FOUND }
  const registers = billedRegisters(view.registers, view.billedBy)
  const names = registers.map(({ obis }) => openingName(obis))
  const values: Record<string, string> = readForm(request, ['point', 'from', ...names])
  const again = async (errors: FieldErrors): Promise<Outcome> => {
    const zone = await deps.meters.zoneOf(view.id)
    const form = { values, errors }
    const now = deps.now()
    return { status: 422, page: MeterAssignPage({ context, view, registers, zone, form, now }) }
  }
  const from = LOCAL.parse(values['from'] ?? '')
  const opening = openingOf(registers, values)
  const errors: FieldErrors = {
    ...(values['point'] === '' ? { point: 'is blank: write the code of a service point' } : {}),
    ...(from.ok ? {} : { from: errorText(from.error) }),
    ...opening.errors,
  }
  if (hasErrors(errors) || !from.ok) return again(errors)
  const point = values['point'] ?? ''
  const assignment = { meterId: view.id, point, from: from.value, opening: opening.registers }
  const author = authorOf(visit, `assigned to ${point}`)
  const written = await deps.meters.assign(author, [assignment])
  if (written.is === 'refused') return again(refusalTexts(written.refusals, view.id))
  return written.is === 'done' ? { to: `/meters/${view.id}` } : { trouble: NOT_FOUND }
}

/** Refusals beside the fields of the form. */
function refusalTexts(refusals: readonly Refusal[], id: number): FieldErrors {
  return Object.fromEntries(
    refusals.map(({ field: name, text }) => {
      const bare = name.slice(0, -`_${id}`.length)
      return [bare === 'at' ? 'from' : bare === 'meter' || bare === '' ? 'point' : bare, text]
    }),
  )
}

function openingOf(
  registers: readonly MeterRegister[],
  values: Readonly<Record<string, string>>,
): { readonly registers: Registers; readonly errors: FieldErrors } {
  const errors: Record<string, string> = {}
  const taken: Registers[number][] = []
  for (const { obis, unit } of registers) {
    const name = openingName(obis)
    const text = values[name] ?? ''
    if (text === '') continue
    const { power } = registerUnit(unitText(unit)) ?? { power: 0 }
    const value = registerValue(text, power)
    if (value === null) {
      errors[name] = 'is not what a register shows: write digits, with a point before the decimals'
    } else taken.push({ obis, unit, ...value })
  }
  return { registers: taken, errors }
}
