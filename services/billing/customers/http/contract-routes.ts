// Opening an account and the list of them. What is done with one is in contract-changes.ts.

import type { FastifyInstance } from 'fastify'
import { civilDateAt } from '../../civil/calendar.ts'
import { type Door, query as queryOf, type Visit } from '../../kit/door.ts'
import { type FormState, hasErrors, readForm } from '../../kit/form.ts'
import { contractEntry, customerEntry, errorTexts } from '../core/entries.ts'
import { ACCOUNTS, type AccountRow } from '../core/lists.ts'
import { openContract } from '../db/contracts.ts'
import { createCustomer } from '../db/customers.ts'
import { AccountsPage } from '../pages/accounts.tsx'
import { MOVE_IN_LABELS, MoveInPage } from '../pages/forms.tsx'
import type { CustomerDeps } from './deps.ts'
import { listAnswers } from './list-routes.ts'
import { resolved } from './resolved.ts'
import { answerTo, authorOf } from './saved.ts'

const KEYS: Readonly<Record<string, (row: AccountRow) => string>> = {
  number: ({ number }) => number,
  customer: ({ customer }) => customer,
  point: ({ servicePoint }) => servicePoint,
  from: ({ from }) => from,
}

export function contractRoutes(app: FastifyInstance, deps: CustomerDeps, page: Door): void {
  const { customerLists: lists } = deps
  listAnswers(app, page, {
    spec: ACCOUNTS,
    rows: (query) => lists.accounts(query),
    count: (query, most) => lists.count('accounts', query, most),
    key: (row, sort) => KEYS[sort]?.(row) ?? row.number,
    page: (props) => AccountsPage({ ...props, todayIn: (zone) => civilDateAt(deps.now(), zone) }),
    csv: {
      head: [
        'number',
        'customer',
        'email',
        'service point',
        'address',
        'from',
        'to',
        'meters',
        'tariff',
        'last bill',
        'keeps the next bill',
      ],
      row: (row) => [
        row.number,
        row.customer,
        row.email,
        row.servicePoint,
        row.address,
        row.from,
        row.to,
        row.meters.join(' '),
        row.tariff,
        row.lastBill?.number ?? null,
        row.kept === null ? null : (row.kept.code ?? row.kept.state),
      ],
    },
  })
  moveInRoutes(app, deps, page)
}

const NAMES = [
  'customer',
  'name',
  'address',
  'email',
  'phone',
  'servicePoint',
  'from',
  'billedFrom',
  'tariff',
  'missing',
  'number',
] as const
type Values = Record<(typeof NAMES)[number], string>

function moveInRoutes(app: FastifyInstance, deps: CustomerDeps, page: Door): void {
  const { customerDetails: details, customerWrites: writes } = deps
  const shown = async ({ context }: Visit, form: FormState) =>
    MoveInPage({ context, form, tariffs: await details.tariffs() })
  app.get(
    '/accounts/new',
    page(async (visit) => {
      const [customer, servicePoint, from] = ['customer', 'point', 'from'].map((name) =>
        queryOf(visit.request, name),
      )
      const tariffs = await details.tariffs()
      // One tariff is what nearly everybody gets; of several none is more likely.
      const tariff = tariffs.length === 1 ? (tariffs[0]?.code ?? '') : ''
      const values = {
        customer: customer ?? '',
        servicePoint: servicePoint ?? '',
        from: from ?? '',
      }
      const form = { values: { ...values, tariff, missing: 'wait' }, errors: {} }
      return { page: MoveInPage({ context: visit.context, form, tariffs }) }
    }),
  )
  app.post(
    '/accounts/new',
    page(async (visit) => {
      const values = readForm(visit.request, NAMES)
      const checked = await checkedMoveIn(deps, values)
      if (!checked.ok) {
        return { status: 422, page: await shown(visit, { values, errors: checked.errors }) }
      }
      const { who, contract } = checked
      const author = authorOf(visit, 'moved in')
      const written = await writes.write(async (trx) => {
        if (typeof who === 'number') {
          return openContract(trx, author, { ...contract, customerId: who })
        }
        const made = await createCustomer(trx, author, who)
        return made.is === 'done'
          ? openContract(trx, author, { ...contract, customerId: made.id })
          : made
      })
      const tariffs = await details.tariffs()
      const show = (form: FormState) => MoveInPage({ context: visit.context, form, tariffs })
      const to = (id: number) => `/accounts/${id}`
      const saving = { to, show, values, labels: MOVE_IN_LABELS, columns: {}, row: null }
      return answerTo(writes, written, saving)
    }),
  )
}

/** The typed move-in as a contract, with the customer's id or the entry of a new one. */
async function checkedMoveIn(deps: CustomerDeps, values: Values) {
  const { customerDetails: details, customerWrites: writes } = deps
  const errors: Record<string, string> = {}
  const typed = { ...values, customer: '-', servicePoint: values.servicePoint }
  const contract = contractEntry(typed)
  if (!contract.ok) Object.assign(errors, errorTexts(contract.errors))
  const place =
    values.servicePoint === ''
      ? null
      : resolved(
          await writes.findServicePoint(values.servicePoint),
          'service point',
          'type its code or a part of its address, or enter a new one first',
        )
  if (place !== null && !place.ok) errors['servicePoint'] = place.text
  const point = place?.ok === true ? await details.servicePoint(place.id) : null
  const who = await checkedWho(writes, values, point?.address ?? '')
  if (!who.ok) Object.assign(errors, who.errors)
  const tariff = (await details.tariffs()).find(({ code }) => code === values.tariff)
  if (values.tariff !== '' && tariff === undefined) errors['tariff'] = 'There is no such tariff.'
  if (hasErrors(errors) || !contract.ok || !who.ok || point === null) {
    return { ok: false as const, errors }
  }
  const { number, from, billedFrom, missing } = contract.entry
  const tariffId = tariff?.id ?? null
  const entry = { number, from, billedFrom, missing, tariffId, servicePointId: point.id }
  return { ok: true as const, who: who.who, contract: entry }
}

async function checkedWho(
  writes: CustomerDeps['customerWrites'],
  values: Values,
  placeAddress: string,
) {
  const { customer, name, address, email, phone } = values
  if (customer !== '' && name !== '') {
    const text = 'Name a customer that is known, or enter a new one: not both.'
    return { ok: false as const, errors: { customer: text } }
  }
  if (customer !== '') {
    const remedy = 'type a number or a name, or leave it blank and enter a new customer'
    const who = resolved(await writes.findCustomer(customer), 'customer', remedy)
    if (!who.ok) return { ok: false as const, errors: { customer: who.text } }
    return { ok: true as const, who: who.id }
  }
  if (name === '') {
    const text = 'Say who moves in: a customer that is known, or the name of a new one.'
    return { ok: false as const, errors: { customer: text } }
  }
  const typed = {
    number: '-',
    name,
    address: address === '' ? placeAddress : address,
    email,
    phone,
  }
  const checked = customerEntry({ ...typed, language: '' })
  if (!checked.ok) return { ok: false as const, errors: errorTexts(checked.errors) }
  return { ok: true as const, who: { ...checked.entry, number: null } }
}
