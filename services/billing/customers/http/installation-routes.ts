// The meters of a place: install, remove, exchange, and taking back.

import type { FastifyInstance } from 'fastify'
import type { UnixMs } from '../../../../shared/units.ts'
import { instantOf, localText } from '../../civil/calendar.ts'
import { ConfirmPage } from '../../kit/confirm-page.tsx'
import {
  type Door,
  field,
  type Outcome,
  param,
  query as queryOf,
  smallRowId,
  type Visit,
} from '../../kit/door.ts'
import { EMPTY_FORM, type FormState, hasErrors, readForm } from '../../kit/form.ts'
import { NOT_FOUND } from '../../kit/trouble.ts'
import { enterMeter } from '../../readings/db/register-entries.ts'
import type { Author } from '../../store/changes.ts'
import type { InstallationLine, ServicePointDetail } from '../core/details.ts'
import { errorTexts, MEDIUM, Sheet } from '../core/entries.ts'
import { LOCAL, METER_NUMBER, optional } from '../core/fields.ts'
import { type RegisterField, registerFields, typedRegisters } from '../core/register-fields.ts'
import type { Written } from '../core/written.ts'
import {
  deleteInstallation,
  exchangeMeter,
  installMeter,
  removeMeter,
  undoRemoval,
} from '../db/installations.ts'
import type { Trx } from '../db/writing.ts'
import {
  EXCHANGE_LABELS,
  ExchangePage,
  INSTALL_LABELS,
  InstallPage,
  REMOVE_LABELS,
  RemovePage,
} from '../pages/contract-forms.tsx'
import type { CustomerDeps } from './deps.ts'
import { resolved } from './resolved.ts'
import { answerTo, authorOf } from './saved.ts'

type Values = Readonly<Record<string, string>>

const namesOf = (prefix: string, fields: readonly RegisterField[]): readonly string[] =>
  fields.map(({ obis }) => `${prefix}_${obis}`)

/** Characters of `2026-05-31 10:30`. */
const MINUTES = 16

/** An instant as the field takes it: to the minute. */
const typedAt = (at: UnixMs, zone: string): string =>
  localText(at, zone).slice(0, MINUTES).replace(' ', 'T')

/** The typed instant; null with what is wrong. */
function atOf(values: Values, zone: string, errors: Record<string, string>): UnixMs | null {
  const sheet = new Sheet(values)
  const local = sheet.take('at', LOCAL)
  const checked = sheet.checked(null)
  if (!checked.ok) {
    Object.assign(errors, errorTexts(checked.errors))
    return null
  }
  const at = instantOf(local, zone)
  if (localText(at, zone).slice(0, MINUTES) === local.slice(0, MINUTES).replace('T', ' ')) return at
  errors['at'] = `The clocks of ${zone} skip that time: write the time after the change.`
  return null
}

/** What is needed to name a meter in a transaction: its id, or the number of a new one. */
type NamedMeter = { readonly id: number } | { readonly number: string; readonly medium: string }

async function meterOf(
  { customerWrites: writes }: CustomerDeps,
  values: Values,
  medium: string,
  errors: Record<string, string>,
): Promise<NamedMeter | null> {
  const sheet = new Sheet(values)
  const number = sheet.take('meter', METER_NUMBER)
  const checked = sheet.checked(null)
  if (!checked.ok) {
    Object.assign(errors, errorTexts(checked.errors))
    return null
  }
  const found = await writes.findMeter(number)
  if (values['create'] === 'yes' && found.is !== 'one') return { number, medium }
  const known = resolved(found, 'meter', 'correct the number, or tick the box to enter a new meter')
  if (known.ok) return { id: known.id }
  errors['meter'] = known.text
  return null
}

const idOf = async (trx: Trx, author: Author, meter: NamedMeter): Promise<number> => {
  if ('id' in meter) return meter.id
  const medium = MEDIUM.parse(meter.medium)
  return enterMeter(trx, author, {
    number: meter.number,
    medium: medium.ok ? medium.value : 'electricity',
  })
}

const NO_REGISTERS = { medium: 'electricity', registers: [] }

export function installationRoutes(app: FastifyInstance, deps: CustomerDeps, page: Door): void {
  const { customerDetails: details } = deps
  app.get(
    '/service-points/:id/install',
    page(async ({ context, request }) => {
      const id = smallRowId(param(request, 'id'))
      const point = id === null ? null : await details.servicePoint(id)
      if (point === null) return { trouble: NOT_FOUND }
      const meter = queryOf(request, 'meter')
      const values = { meter, at: typedAt(deps.now(), point.zone) }
      const fields = registerFields((await details.meter(meter)) ?? NO_REGISTERS)
      return { page: InstallPage({ context, form: { values, errors: {} }, point, fields }) }
    }),
  )
  app.post(
    '/service-points/:id/install',
    page(async (visit) => {
      const id = smallRowId(param(visit.request, 'id'))
      const point = id === null ? null : await details.servicePoint(id)
      return point === null ? { trouble: NOT_FOUND } : install(deps, visit, point)
    }),
  )
  const about = (handle: LineHandler) =>
    page(async (visit) => {
      const id = smallRowId(param(visit.request, 'id'))
      const line = id === null ? null : await details.installation(id)
      const point = line === null ? null : await details.servicePoint(line.servicePointId)
      if (line === null || point === null) return { trouble: NOT_FOUND }
      return handle(visit, line, point)
    })
  removeRoutes(app, deps, about)
  exchangeRoutes(app, deps, about)
  takeBackRoutes(app, deps, about)
}

type LineHandler = (
  visit: Visit,
  line: InstallationLine,
  point: ServicePointDetail,
) => Promise<Outcome>
type About = (handle: LineHandler) => ReturnType<Door>

async function install(
  deps: CustomerDeps,
  visit: Visit,
  point: ServicePointDetail,
): Promise<Outcome> {
  const { customerWrites: writes, customerDetails: details } = deps
  const { context, request } = visit
  const known = await details.meter(field(request, 'meter').trim())
  const fields = registerFields(known ?? NO_REGISTERS)
  const names = ['meter', 'create', 'at', 'main', ...namesOf('opening', fields)]
  const values = readForm(request, names)
  const show = (form: FormState) => InstallPage({ context, form, point, fields })
  const errors: Record<string, string> = {}
  const at = atOf(values, point.zone, errors)
  const meter = await meterOf(deps, values, 'electricity', errors)
  const opening = typedRegisters('opening', fields, values)
  Object.assign(errors, opening.errors)
  const mainNumber = new Sheet(values).take('main', optional(METER_NUMBER))
  const remedy = 'correct its number, or leave the field blank'
  const main =
    mainNumber === null ? null : resolved(await writes.findMeter(mainNumber), 'meter', remedy)
  if (main !== null && !main.ok) errors['main'] = main.text
  if (hasErrors(errors) || at === null || meter === null) {
    return { status: 422, page: show({ values, errors }) }
  }
  const author = authorOf(visit, 'installed')
  const written = await writes.write(async (trx) =>
    installMeter(trx, author, {
      meterId: await idOf(trx, author, meter),
      servicePointId: point.id,
      at,
      opening: opening.registers,
      mainMeterId: main?.ok === true ? main.id : null,
    }),
  )
  const to = () => `/service-points/${point.id}`
  const saving = { to, show, values, labels: INSTALL_LABELS, columns: {}, row: null }
  return answerTo(writes, written, saving)
}

function removeRoutes(app: FastifyInstance, deps: CustomerDeps, about: About): void {
  const { customerWrites: writes } = deps
  app.get(
    '/installations/:id/remove',
    about(async ({ context }, line, point) => {
      const values = { at: typedAt(deps.now(), point.zone) }
      return { page: RemovePage({ context, form: { values, errors: {} }, line, point }) }
    }),
  )
  app.post(
    '/installations/:id/remove',
    about(async (visit, line, point) => {
      const { context, request } = visit
      const fields = registerFields(line)
      const values = readForm(request, ['at', ...namesOf('closing', fields)])
      const show = (form: FormState) => RemovePage({ context, form, line, point })
      const errors: Record<string, string> = {}
      const at = atOf(values, point.zone, errors)
      const closing = typedRegisters('closing', fields, values)
      Object.assign(errors, closing.errors)
      if (hasErrors(errors) || at === null) {
        return { status: 422, page: show({ values, errors }) }
      }
      const author = authorOf(visit, 'removed')
      const change = { id: line.id, at, closing: closing.registers }
      const written = await writes.write((trx) => removeMeter(trx, author, change))
      const to = () => `/service-points/${point.id}`
      const saving = { to, show, values, labels: REMOVE_LABELS, columns: {}, row: null }
      return answerTo(writes, written, saving)
    }),
  )
}

function exchangeRoutes(app: FastifyInstance, deps: CustomerDeps, about: About): void {
  const { customerWrites: writes } = deps
  app.get(
    '/installations/:id/exchange',
    about(async ({ context }, line, point) => {
      const values = { at: typedAt(deps.now(), point.zone) }
      return { page: ExchangePage({ context, form: { values, errors: {} }, line, point }) }
    }),
  )
  app.post(
    '/installations/:id/exchange',
    about(async (visit, line, point) => {
      const { context, request } = visit
      const fields = registerFields(line)
      const names = ['closing', 'opening'].flatMap((prefix) => namesOf(prefix, fields))
      const values = readForm(request, ['at', 'meter', 'create', ...names])
      const show = (form: FormState) => ExchangePage({ context, form, line, point })
      const errors: Record<string, string> = {}
      const at = atOf(values, point.zone, errors)
      const meter = await meterOf(deps, values, line.medium, errors)
      const closing = typedRegisters('closing', fields, values)
      const opening = typedRegisters('opening', fields, values)
      Object.assign(errors, closing.errors, opening.errors)
      if (hasErrors(errors) || at === null || meter === null) {
        return { status: 422, page: show({ values, errors }) }
      }
      const author = authorOf(visit, 'exchanged')
      const written = await writes.write(async (trx) =>
        exchangeMeter(trx, author, {
          id: line.id,
          at,
          closing: closing.registers,
          meterId: await idOf(trx, author, meter),
          opening: opening.registers,
        }),
      )
      const to = () => `/service-points/${point.id}`
      const saving = { to, show, values, labels: EXCHANGE_LABELS, columns: {}, row: null }
      return answerTo(writes, written, saving)
    }),
  )
}

interface TakeBack {
  readonly path: string
  readonly title: string
  readonly text: string
  readonly yes: string
  readonly work: (trx: Trx, author: Author, id: number) => Promise<Written>
}

const TAKE_BACK: readonly TakeBack[] = [
  {
    path: '/installations/:id/undo',
    title: 'Take the removal back?',
    text: 'The meter hangs on as if it had not been removed. Its closing registers stay.',
    yes: 'Take the removal back',
    work: undoRemoval,
  },
  {
    path: '/installations/:id/delete',
    title: 'Delete this installation?',
    text: 'For what was entered by mistake and never billed. The history keeps it.',
    yes: 'Delete the installation',
    work: deleteInstallation,
  },
]

function takeBackRoutes(app: FastifyInstance, deps: CustomerDeps, about: About): void {
  const { customerWrites: writes } = deps
  for (const { path, title, text, yes, work } of TAKE_BACK) {
    app.post(
      path,
      about(async (visit, line, point) => {
        const { context, request } = visit
        const back = `/service-points/${point.id}`
        const action = context.path
        const show = (form: FormState) =>
          ConfirmPage({ context, title, text, action, yes, back, why: true, form })
        if (field(request, 'sure') !== 'yes') return { page: show(EMPTY_FORM) }
        const author = authorOf(visit, 'entered by mistake')
        const written = await writes.write((trx) => work(trx, author, line.id))
        const saving = { to: () => back, show, values: {}, labels: {}, columns: {}, row: null }
        return answerTo(writes, written, saving)
      }),
    )
  }
}
