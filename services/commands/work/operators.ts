// `ticklock operator` and `customer revoke`: against the running head-end's database. A password is
// asked for or read, never an argument: everybody on the machine can read those.

import { nodeRandom } from '../../../shared/node/node-suite.ts'
import { FaultError } from '../../../shared/node/fault-error.ts'
import { type UnixMs, unixMs } from '../../../shared/units.ts'
import {
  isOperatorName,
  isPassword,
  NAME_RULE,
  PASSWORD_RULE,
} from '../../billing/access/core/credentials.ts'
import {
  accountStore,
  addOperator,
  changePassword,
  type Ended,
  listOperators,
  operatorId,
  removeOperator,
} from '../../billing/access/db/operators.ts'
import { createPasswords, SALT_BYTES } from '../../billing/access/shell/passwords.ts'
import type { Db } from '../../billing/store/pool.ts'
import type { Settings } from '../../settings.ts'
import { withDatabase } from './database.ts'
import { askSecret } from './secret-line.ts'

const ACTIONS = ['add', 'passwd', 'remove', 'list', 'revoke-sessions'] as const
type Action = (typeof ACTIONS)[number]

export const isOperatorAction = (text: string): text is Action =>
  ACTIONS.some((action) => action === text)

interface Order {
  readonly action: Action
  readonly name: string
  readonly last: boolean
}

const now = (): UnixMs => unixMs(Date.now())

/** OPS-12 for a name or password that is not taken, and for an operator who is not there; OPS-29
 * for the last one. */
export async function operatorAction(settings: Settings, order: Order): Promise<void> {
  const { action, name } = order
  if (action === 'add' && !isOperatorName(name)) throw new FaultError('OPS-12', NAME_RULE)
  await withDatabase(settings, async (db) => {
    if (action === 'list') return printOperators(db)
    if (action === 'add') return add(db, name)
    const id = await operatorId(db.kysely, name)
    if (id === null) throw nobody(name)
    if (action === 'passwd') return renew(db, name)
    if (action === 'remove') return remove(db, order)
    console.log(`operator ${name}: ${endedText(await accountStore(db.kysely).endOperator(id))}`)
  })
}

async function add(db: Db, name: string): Promise<void> {
  // Before the password is typed.
  if ((await operatorId(db.kysely, name)) !== null) throw taken(name)
  if (!(await addOperator(db.kysely, { name, password: await newPassword() }))) throw taken(name)
  console.log(`operator ${name} can log in`)
}

async function renew(db: Db, name: string): Promise<void> {
  const password = await newPassword()
  if (!(await changePassword(db.kysely, { name, password }))) throw nobody(name)
  console.log(`operator ${name} has a new password; open sessions have ended`)
}

async function remove(db: Db, { name, last }: Order): Promise<void> {
  const outcome = await removeOperator(db.kysely, { name, evenLast: last })
  if (outcome === 'unknown') throw nobody(name)
  if (outcome === 'last') throw new FaultError('OPS-29', name)
  console.log(`operator ${name} is removed`)
}

async function printOperators(db: Db): Promise<void> {
  const rows = await listOperators(db.kysely, now())
  for (const { name, madeAt, sessions } of rows) {
    const day = new Date(madeAt).toISOString().slice(0, 10)
    console.log(`${name}  made ${day}  open sessions: ${sessions}`)
  }
  if (rows.length === 0) console.log('no operator: each start of "ticklock up" prints a link')
}

/** Of one customer, or of all (null). OPS-12 when no customer has that number. */
export async function revokeCustomers(settings: Settings, number: string | null): Promise<void> {
  await withDatabase(settings, async (db) => {
    const accounts = accountStore(db.kysely)
    const ended = await (number === null ? accounts.endCustomers() : accounts.endCustomer(number))
    if (ended === null) throw new FaultError('OPS-12', `no customer has the number ${number}`)
    console.log(`${number === null ? 'every customer' : `customer ${number}`}: ${endedText(ended)}`)
  })
}

const endedText = (ended: Ended | null): string => {
  const { sessions, links } = ended ?? { sessions: 0, links: 0 }
  return `sessions ended: ${sessions}${links === 0 ? '' : `, links ended: ${links}`}`
}

const nobody = (name: string): FaultError =>
  new FaultError('OPS-12', `no operator is called "${name}"`)
const taken = (name: string): FaultError =>
  new FaultError('OPS-12', `there is an operator "${name}": passwd gives a new password`)

/** The hash of a password that was typed or read. */
async function newPassword(): Promise<string> {
  const password = await askSecret('Password')
  if (!isPassword(password)) throw new FaultError('OPS-12', PASSWORD_RULE)
  return createPasswords().hash(password, nodeRandom(SALT_BYTES))
}
