// What is done with one account: move-out, terms, corrections, and taking back.

import type { FastifyInstance } from 'fastify'
import { addDays, startOfDay } from '../../civil/calendar.ts'
import { ConfirmPage } from '../../kit/confirm-page.tsx'
import { type Door, field, type Outcome, param, smallRowId, type Visit } from '../../kit/door.ts'
import { EMPTY_FORM, type FormState, hasErrors, readForm, versionOf } from '../../kit/form.ts'
import { NOT_FOUND } from '../../kit/trouble.ts'
import type { Author } from '../../store/changes.ts'
import { enterRegisters } from '../../readings/db/register-entries.ts'
import type { ContractDetail } from '../core/details.ts'
import { errorTexts, MISSING, Sheet } from '../core/entries.ts'
import { DATE, optional, SHORT } from '../core/fields.ts'
import { registerFields, typedRegisters } from '../core/register-fields.ts'
import { refused, type Written } from '../core/written.ts'
import {
  deleteContract,
  editContract,
  endContract,
  openContract,
  undoEnd,
} from '../db/contracts.ts'
import { deleteTerm, setTerms } from '../db/terms.ts'
import type { Trx } from '../db/writing.ts'
import {
  EDIT_LABELS,
  EditAccountPage,
  firstFreeDay,
  metersNow,
  MOVE_OUT_LABELS,
  MoveOutPage,
  TERMS_LABELS,
  TermsPage,
} from '../pages/contract-forms.tsx'
import type { CustomerDeps } from './deps.ts'
import { resolved } from './resolved.ts'
import { answerTo, authorOf } from './saved.ts'

/** A page about one account; null of what is not there. */
type AccountHandler = (visit: Visit, account: ContractDetail) => Promise<Outcome>

export function contractChangeRoutes(app: FastifyInstance, deps: CustomerDeps, page: Door): void {
  const { customerDetails: details } = deps
  const about = (handle: AccountHandler) =>
    page(async (visit) => {
      const id = smallRowId(param(visit.request, 'id'))
      const account = id === null ? null : await details.contract(id)
      return account === null ? { trouble: NOT_FOUND } : handle(visit, account)
    })
  editRoutes(app, deps, about)
  moveOutRoutes(app, deps, about)
  termRoutes(app, deps, about)
  takeBackRoutes(app, deps, about)
}

type About = (handle: AccountHandler) => ReturnType<Door>

const at = ({ id }: { readonly id: number }) => `/accounts/${id}`

function editRoutes(app: FastifyInstance, deps: CustomerDeps, about: About): void {
  const { customerWrites: writes } = deps
  app.get(
    '/accounts/:id/edit',
    about(async ({ context }, account) => {
      const { number, billedFrom, version } = account
      const form = { values: { number, billedFrom }, errors: {} }
      return { page: EditAccountPage({ context, form, account, version }) }
    }),
  )
  app.post(
    '/accounts/:id/edit',
    about(async (visit, account) => {
      const { context, request } = visit
      const posted = versionOf(request) ?? account.version
      const values = readForm(request, ['number', 'billedFrom'])
      const show = (form: FormState, version: number | null = null) =>
        EditAccountPage({ context, form, account, version: version ?? posted })
      const sheet = new Sheet(values)
      const checked = sheet.checked({
        number: sheet.take('number', SHORT),
        billedFrom: sheet.take('billedFrom', DATE),
      })
      if (!checked.ok) {
        return { status: 422, page: show({ values, errors: errorTexts(checked.errors) }) }
      }
      const author = authorOf(visit, 'corrected on its page')
      const change = { id: account.id, version: posted, ...checked.entry }
      const written = await writes.write((trx) => editContract(trx, author, change))
      const row = { what: 'contract', id: account.id } as const
      const columns = { number: 'number', billedFrom: 'billed_from' }
      const to = () => at(account)
      return answerTo(writes, written, { to, show, values, labels: EDIT_LABELS, columns, row })
    }),
  )
}

function moveOutRoutes(app: FastifyInstance, deps: CustomerDeps, about: About): void {
  const { customerWrites: writes } = deps
  app.get(
    '/accounts/:id/move-out',
    about(async ({ context }, account) => {
      const lastDay = account.to === null ? '' : addDays(account.to, -1)
      const form = { values: { lastDay }, errors: {} }
      return { page: MoveOutPage({ context, form, account, version: account.version }) }
    }),
  )
  app.post(
    '/accounts/:id/move-out',
    about(async (visit, account) => {
      const { context, request } = visit
      const posted = versionOf(request) ?? account.version
      const names = metersNow(account.point).flatMap((line) =>
        registerFields(line).map(({ obis }) => `closing_${line.id}_${obis}`),
      )
      const values = readForm(request, ['lastDay', 'next', ...names])
      const show = (form: FormState, version: number | null = null) =>
        MoveOutPage({ context, form, account, version: version ?? posted })
      const checked = await checkedMoveOut(deps, account, values)
      if (!checked.ok) return { status: 422, page: show({ values, errors: checked.errors }) }
      const author = authorOf(visit, 'moved out')
      const written = await writes.write((trx) =>
        moveOut(trx, author, account, { ...checked.entry, version: posted }),
      )
      const row = { what: 'contract', id: account.id } as const
      const columns = { lastDay: 'to_date' }
      const saving = { to: (id: number) => at({ id }), show, values, columns, row }
      return answerTo(writes, written, { ...saving, labels: MOVE_OUT_LABELS })
    }),
  )
}

interface MoveOut {
  readonly version: number
  /** First day that is not supplied any more. */
  readonly to: string
  readonly next: number | null
  readonly closings: readonly {
    readonly id: number
    readonly meterId: number
    readonly registers: ReturnType<typeof typedRegisters>['registers']
  }[]
}

async function checkedMoveOut(
  { customerWrites: writes }: CustomerDeps,
  account: ContractDetail,
  values: Readonly<Record<string, string>>,
) {
  const sheet = new Sheet(values)
  const lastDay = sheet.take('lastDay', DATE)
  const name = sheet.take('next', optional(SHORT))
  const checked = sheet.checked(null)
  const errors: Record<string, string> = checked.ok ? {} : { ...errorTexts(checked.errors) }
  const remedy = 'enter the customer first, or leave it blank'
  const next = name === null ? null : resolved(await writes.findCustomer(name), 'customer', remedy)
  if (next !== null && !next.ok) errors['next'] = next.text
  const closings = metersNow(account.point).map((line) => {
    const typed = typedRegisters(`closing_${line.id}`, registerFields(line), values)
    Object.assign(errors, typed.errors)
    return { id: line.id, meterId: line.meterId, registers: typed.registers }
  })
  if (hasErrors(errors)) return { ok: false as const, errors }
  const entry = { to: addDays(lastDay, 1), next: next?.ok === true ? next.id : null, closings }
  return { ok: true as const, entry }
}

async function moveOut(
  trx: Trx,
  author: Author,
  account: ContractDetail,
  { version, to, next, closings }: MoveOut,
): Promise<Written> {
  const ended = await endContract(trx, author, { id: account.id, version, to })
  if (ended.is !== 'done') return ended
  for (const { id, meterId, registers } of closings) {
    const entry = { meterId, kind: 'closing', registers, note: `handover of ${account.number}` }
    const day = startOfDay(to, account.point.zone)
    const [code] = await enterRegisters(trx, author, { ...entry, kind: 'closing', at: day })
    if (code === undefined) continue
    const text = 'Another reading of this instant is approved, and stays: leave the field empty.'
    return refused(`closing_${id}_${code}`, null, text)
  }
  if (next === null) return ended
  const [term] = account.terms.filter(({ from }) => from <= to)
  return openContract(trx, author, {
    number: null,
    customerId: next,
    servicePointId: account.point.id,
    tariffId: term?.tariffId ?? null,
    missing: term?.missing ?? 'wait',
    from: to,
    billedFrom: to,
  })
}

function termRoutes(app: FastifyInstance, deps: CustomerDeps, about: About): void {
  const { customerDetails: details, customerWrites: writes } = deps
  app.get(
    '/accounts/:id/terms',
    about(async ({ context }, account) => {
      const [term] = account.terms
      const values = {
        from: firstFreeDay(account),
        tariff: term?.tariff ?? '',
        missing: term?.missing ?? 'wait',
      }
      const tariffs = await details.tariffs()
      const { version } = account
      return {
        page: TermsPage({ context, form: { values, errors: {} }, account, version, tariffs }),
      }
    }),
  )
  app.post(
    '/accounts/:id/terms',
    about(async (visit, account) => {
      const { context, request } = visit
      const posted = versionOf(request) ?? account.version
      const values = readForm(request, ['from', 'tariff', 'missing'])
      const tariffs = await details.tariffs()
      const show = (form: FormState, version: number | null = null) =>
        TermsPage({ context, form, account, version: version ?? posted, tariffs })
      const sheet = new Sheet(values)
      const tariff = tariffs.find(({ code }) => code === values.tariff)
      if (values.tariff !== '' && tariff === undefined) {
        sheet.refuse('tariff', { reason: 'is no tariff', remedy: 'choose one of the list' })
      }
      const checked = sheet.checked({
        from: sheet.take('from', DATE),
        missing: sheet.take('missing', MISSING),
      })
      if (!checked.ok) {
        return { status: 422, page: show({ values, errors: errorTexts(checked.errors) }) }
      }
      const author = authorOf(visit, 'agreed with the customer')
      const tariffId = tariff?.id ?? null
      const change = { contractId: account.id, version: posted, tariffId, ...checked.entry }
      const written = await writes.write((trx) => setTerms(trx, author, change))
      const row = { what: 'contract', id: account.id } as const
      const to = () => at(account)
      return answerTo(writes, written, { to, show, values, labels: TERMS_LABELS, columns: {}, row })
    }),
  )
}

/** What a confirmed button takes back. */
interface TakeBack {
  readonly path: string
  readonly title: (account: ContractDetail) => string
  readonly text: string
  readonly yes: string
  readonly why: string
  readonly work: (
    trx: Trx,
    author: Author,
    account: ContractDetail,
    visit: Visit,
  ) => Promise<Written>
  readonly to: (account: ContractDetail) => string
}

const TAKE_BACK: readonly TakeBack[] = [
  {
    path: '/accounts/:id/undo-end',
    title: ({ number }) => `Take the end of ${number} back?`,
    text: 'The account runs on as if no end had been entered.',
    yes: 'Take the end back',
    why: 'the end was entered by mistake',
    work: (trx, author, { id }) => undoEnd(trx, author, { id, version: null }),
    to: at,
  },
  {
    path: '/accounts/:id/delete',
    title: ({ number }) => `Delete account ${number}?`,
    text: 'For what was entered by mistake and never billed. The history keeps it.',
    yes: 'Delete the account',
    why: 'entered by mistake',
    work: (trx, author, { id }) => deleteContract(trx, author, id),
    to: () => '/accounts',
  },
  {
    path: '/accounts/:id/terms/:term/delete',
    title: ({ number }) => `Take these terms of ${number} back?`,
    text: 'Until then the terms before them hold on.',
    yes: 'Take the terms back',
    why: 'entered by mistake',
    work: (trx, author, { id }, { request }) =>
      deleteTerm(trx, author, {
        contractId: id,
        termId: smallRowId(param(request, 'term')) ?? 0,
      }),
    to: at,
  },
]

function takeBackRoutes(app: FastifyInstance, deps: CustomerDeps, about: About): void {
  const { customerWrites: writes } = deps
  for (const each of TAKE_BACK) {
    app.post(
      each.path,
      about(async (visit, account) => {
        const { context, request } = visit
        const show = (form: FormState) =>
          ConfirmPage({
            context,
            title: each.title(account),
            text: each.text,
            action: context.path,
            yes: each.yes,
            back: at(account),
            why: true,
            form,
          })
        if (field(request, 'sure') !== 'yes') return { page: show(EMPTY_FORM) }
        const author = authorOf(visit, each.why)
        const written = await writes.write((trx) => each.work(trx, author, account, visit))
        const to = () => each.to(account)
        return answerTo(writes, written, {
          to,
          show,
          values: {},
          labels: {},
          columns: {},
          row: null,
        })
      }),
    )
  }
}
