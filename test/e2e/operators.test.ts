// Operators and what is open: at the database, and by `ticklock operator` and `customer revoke`.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { accessStore, storeLink } from '../../services/billing/access/db/access.ts'
import {
  accountStore,
  addOperator,
  changePassword,
  listOperators,
  removeOperator,
  setOperator,
} from '../../services/billing/access/db/operators.ts'
import { createPasswords } from '../../services/billing/access/shell/passwords.ts'
import { register } from '../../services/billing/customers/db/registry.ts'
import { packageRoot } from '../../shared/node/root.ts'
import { shiftMs, spanMs, unixMs } from '../../shared/units.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

const NOW = unixMs(Date.now())
const LATER = shiftMs(NOW, spanMs(3_600_000))
const PASSWORD = 'correct horse battery'
const TICKLOCK = join(packageRoot(), 'bin/ticklock.js')

let postgres: TestPostgres
let env: NodeJS.ProcessEnv

before(async () => {
  postgres = await testPostgres()
  const { host, port, user, password, database } = postgres.server.connection
  const url = new URL('postgres://localhost')
  url.searchParams.set('host', String(host))
  url.port = String(port)
  url.username = String(user)
  url.password = String(password)
  url.pathname = `/${String(database)}`
  const { NODE_TEST_CONTEXT: _, ...ours } = process.env
  env = { ...ours, DATABASE_URL: url.href, TICKLOCK_DATA: postgres.folder }
  const customers = ['C-1', 'C-2'].map((number) => ({
    number,
    name: number,
    address: '',
    email: null,
    phone: null,
  }))
  await register(postgres.db.pool, { customers })
})
after(() => postgres.close())
beforeEach(async () => {
  await postgres.owner.query('delete from sessions; delete from links; delete from operators')
})

async function link(purpose: 'setup' | 'customer', customerId: number | null = null) {
  const hash = randomBytes(32)
  await storeLink(postgres.db.kysely, { hash, purpose, customerId, expiresAt: LATER })
  return hash
}
const session = () => ({ hash: randomBytes(32), now: NOW, expiresAt: LATER })
const customerId = async (number: string): Promise<number> => {
  const { rows } = await postgres.owner.query<{ id: number }>(
    'select id from customers where number = $1',
    [number],
  )
  return rows[0]?.id ?? -1
}

test('every set-up link dies with the first operator, in the same transaction', async () => {
  const { kysely } = postgres.db
  const access = accessStore(kysely)
  const links = [await link('setup'), await link('setup'), await link('setup')]
  const made = await Promise.all(
    links.map((hash, index) =>
      access.setUp({ hash, name: `op-${index}`, password: 'x', now: NOW }),
    ),
  )
  assert.equal(
    made.filter((each) => each === 'spent').length,
    2,
    'of three at once one comes first',
  )
  for (const hash of links) assert.equal(await access.setupOpen(hash, NOW), false)
  // One that a second server made in the same moment opens nothing either.
  const late = await link('setup')
  assert.equal(await access.setupOpen(late, NOW), false)
  assert.equal(await access.setUp({ hash: late, name: 'late', password: 'x', now: NOW }), 'spent')
  assert.equal((await listOperators(kysely, NOW)).length, 1)
})

test('and with one who is made in any other way', async () => {
  const { kysely } = postgres.db
  const pool = postgres.owner
  for (const make of [addOperator, setOperator]) {
    await pool.query('delete from operators')
    const hash = await link('setup')
    await make(kysely, { name: 'ada', password: 'x' })
    await pool.query('delete from operators')
    assert.equal(await accessStore(kysely).setupOpen(hash, NOW), false, 'gone, not only hidden')
  }
})

test('a log-in under the old password opens nothing once there is a new one', async () => {
  const { kysely } = postgres.db
  const access = accessStore(kysely)
  await addOperator(kysely, { name: 'ada', password: 'old' })
  const checked = await access.operator('ada')
  assert.ok(checked !== null)
  const open = session()
  assert.equal(await access.openSession(open, checked), true)
  assert.equal((await access.viewer(open.hash, NOW))?.name, 'ada')
  await changePassword(kysely, { name: 'ada', password: 'new' })
  assert.equal(await access.viewer(open.hash, NOW), null)
  assert.equal(await access.openSession(session(), checked), false)
})

test('a customer’s sessions and every open link can be ended, another’s stay', async () => {
  const { kysely } = postgres.db
  const access = accessStore(kysely)
  const accounts = accountStore(kysely)
  const [one, two] = [await customerId('C-1'), await customerId('C-2')]
  const links = [await link('customer', one), await link('customer', one)]
  const other = await link('customer', two)
  const [first, second] = [session(), session()]
  const [used = Buffer.of()] = links
  assert.equal(await access.openByLink(first, used), one)
  assert.equal(await access.openByLink(second, other), two)
  assert.deepEqual(await accounts.endCustomer('C-1'), { sessions: 1, links: 2 })
  assert.equal(await access.viewer(first.hash, NOW), null)
  for (const hash of links) {
    assert.equal(await access.linkOpen(hash, NOW), false)
    assert.equal(await access.openByLink(session(), hash), null)
  }
  assert.equal((await access.viewer(second.hash, NOW))?.id, two)
  assert.equal(await accounts.endCustomer('C-3'), null)
  assert.deepEqual(await accounts.endCustomers(), { sessions: 1, links: 1 })
  assert.equal(await access.viewer(second.hash, NOW), null)
})

test('a set-up link opens no customer’s pages, a customer’s link makes no operator', async () => {
  const access = accessStore(postgres.db.kysely)
  const [setup, customer] = [await link('setup'), await link('customer', await customerId('C-1'))]
  assert.equal(await access.openByLink(session(), setup), null)
  assert.equal(
    await access.setUp({ hash: customer, name: 'eve', password: 'x', now: NOW }),
    'spent',
  )
})

test('two who remove the last two operators at once leave one', async () => {
  const { kysely } = postgres.db
  for (const name of ['ada', 'grace']) await addOperator(kysely, { name, password: 'x' })
  const outcomes = await Promise.all(
    ['ada', 'grace'].map((name) => removeOperator(kysely, { name, evenLast: false })),
  )
  assert.deepEqual(outcomes.toSorted(), ['last', 'removed'])
})

interface Said {
  readonly code: number | null
  readonly output: string
}

/** `ticklock ...args` with these lines on standard input. */
function run(args: readonly string[], input = ''): Said {
  const options = { env, input, encoding: 'utf8' } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, [TICKLOCK, ...args], options)
  return { code: status, output: stdout + stderr }
}

test('ticklock operator: add, passwd, list, revoke-sessions, remove; the password from stdin', async () => {
  const { kysely } = postgres.db
  const added = run(['operator', 'add', 'ada'], `${PASSWORD}\n`)
  assert.deepEqual(added, { code: 0, output: 'operator ada can log in\n' })
  const access = accessStore(kysely)
  const stored = await access.operator('ada')
  assert.equal(await createPasswords().verify(PASSWORD, stored?.password ?? null), true)
  assert.match(run(['operator', 'add', 'ada'], `${PASSWORD}\n`).output, /OPS-12 .*passwd/)
  assert.match(run(['operator', 'add', 'eve'], 'short\n').output, /OPS-12 .*15 to 128 characters/)
  assert.match(run(['operator', 'add', 'eve'], '').output, /OPS-12 .*no password on standard input/)
  assert.match(run(['operator', 'add', 'a\u0007b'], `${PASSWORD}\n`).output, /OPS-12 .*A name has/)
  assert.match(run(['operator', 'passwd', 'eve'], `${PASSWORD}\n`).output, /OPS-12 .*"eve"/)
  assert.ok(stored !== null)
  const open = session()
  assert.equal(await access.openSession(open, stored), true)
  assert.match(
    run(['operator', 'list']).output,
    /^ada {2}made \d{4}-\d\d-\d\d {2}open sessions: 1$/m,
  )
  assert.match(run(['operator', 'revoke-sessions', 'ada']).output, /ada: sessions ended: 1/)
  assert.equal(await access.viewer(open.hash, NOW), null)
  assert.equal(run(['operator', 'passwd', 'ada'], 'another horse battery\n').code, 0)
  const last = run(['operator', 'remove', 'ada'])
  assert.equal(last.code, 1)
  assert.match(last.output, /OPS-29 the last operator is not removed: ada/)
  assert.equal(run(['operator', 'remove', 'ada', '--last']).code, 0)
  assert.match(run(['operator', 'list']).output, /no operator/)
})

test('ticklock customer revoke: one customer’s sessions and links, or all', async () => {
  const one = await customerId('C-1')
  await link('customer', one)
  assert.match(run(['customer', 'revoke', 'C-1']).output, /C-1: sessions ended: 0, links ended: 1/)
  assert.match(run(['customer', 'revoke', 'C-9']).output, /OPS-12 .*no customer has the number C-9/)
  await link('customer', one)
  assert.match(run(['customer', 'revoke', '--all']).output, /every customer: .*links ended: 1/)
  assert.match(run(['customer', 'revoke']).output, /OPS-12/)
})

test('at a terminal the password is asked twice and never echoed', async (t) => {
  const script = spawnSync('sh', ['-c', 'command -v script']).status === 0
  if (!script) return t.skip('script is not installed (Debian: bsdutils)')
  const command = `${process.execPath} ${TICKLOCK} operator add typist`
  const child = spawn('script', ['-qec', command, '/dev/null'], { env, stdio: 'pipe' })
  let output = ''
  const ended = new Promise<number | null>((done) => child.once('close', done))
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
    if (output.endsWith('Password: ')) child.stdin.write(`${PASSWORD}\r`)
    if (output.endsWith('Password again: ')) child.stdin.write(`${PASSWORD}\r`)
  })
  assert.equal(await ended, 0, output)
  assert.match(output, /operator typist can log in/)
  assert.ok(!output.includes(PASSWORD), output)
})
