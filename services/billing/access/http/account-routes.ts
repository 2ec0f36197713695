// The operators' page of accounts: who can log in, and ending what is open.

import type { FastifyInstance } from 'fastify'
import type { UnixMs } from '../../../../shared/units.ts'
import { type Door, field, param, query, smallRowId, type Visit } from '../../kit/door.ts'
import { NOT_FOUND, troubleOf } from '../../kit/trouble.ts'
import type { AccountStore, Ended } from '../db/operators.ts'
import { AccountsPage, ENDED_TEXTS, type EndedText } from '../pages/accounts.tsx'
import type { AccessWatch } from '../shell/watch.ts'

export interface AccountDeps {
  readonly accounts: AccountStore
  readonly now: () => UnixMs
  readonly watch: AccessWatch
}

const NO_CUSTOMER = troubleOf(
  404,
  'There is no such customer',
  'No customer has this number. It stands on every bill.',
)
const NOT_SURE = troubleOf(422, 'Nothing was ended', 'Tick the box to say that you mean it.')

const isEndedText = (text: string): text is EndedText => Object.hasOwn(ENDED_TEXTS, text)

export function accountRoutes(app: FastifyInstance, deps: AccountDeps, page: Door): void {
  const { accounts, now, watch } = deps
  const done = ({ viewer }: Visit, ended: Ended, whom: Readonly<Record<string, string>>): void =>
    watch.allowed('revoked', { by: viewer.name, ...whom, ...ended })
  app.get(
    '/access',
    page(async ({ context, request }) => {
      const operators = await accounts.operators(now())
      const text = query(request, 'ended')
      const ended = isEndedText(text) ? text : null
      return { page: AccountsPage({ context, operators, ended, now: now() }) }
    }),
  )
  app.post(
    '/access/operators/:id/end',
    page(async (visit) => {
      const id = smallRowId(param(visit.request, 'id'))
      const ended = id === null ? null : await accounts.endOperator(id)
      if (ended === null) return { trouble: NOT_FOUND }
      done(visit, ended, { operator: String(id) })
      return { to: '/access?ended=operator' }
    }),
  )
  app.post(
    '/access/customers/end',
    page(async (visit) => {
      const number = field(visit.request, 'number').trim()
      const ended = number === '' ? null : await accounts.endCustomer(number)
      if (ended === null) return { trouble: NO_CUSTOMER }
      done(visit, ended, { customer: number })
      return { to: '/access?ended=customer' }
    }),
  )
  app.post(
    '/access/customers/end-all',
    page(async (visit) => {
      if (field(visit.request, 'sure') !== 'yes') return { trouble: NOT_SURE }
      done(visit, await accounts.endCustomers(), { customer: 'every one' })
      return { to: '/access?ended=customers' }
    }),
  )
}
