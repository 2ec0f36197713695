import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import {
  type EmbeddedPostgres,
  runningPostgres,
  startPostgres,
} from '../../services/billing/store/embedded/embedded-postgres.ts'
import {
  databaseAccount,
  reachableFolder,
} from '../../services/billing/store/embedded/postgres-binaries.ts'
import { isServerOf, readLockFile } from '../../services/billing/store/embedded/postmaster.ts'
import { temporaryFolder } from './postgres.ts'

const { folder: parent, remove } = temporaryFolder()
const folder = join(parent, 'postgres')
const cluster = join(folder, 'cluster')
const log = () => {}
after(remove)

async function ask({ owner }: Pick<EmbeddedPostgres, 'owner'>, sql: string): Promise<unknown> {
  const client = new Client(owner)
  client.on('error', log)
  await client.connect()
  try {
    const { rows } = await client.query(sql)
    return rows[0]
  } finally {
    await client.end()
  }
}

/** Another process that starts the same database and never closes it. */
async function otherTicklock(): Promise<{ readonly child: ChildProcess; readonly said: string }> {
  const module = new URL(
    '../../services/billing/store/embedded/embedded-postgres.js',
    import.meta.url,
  ).href
  const program = `import { startPostgres } from ${JSON.stringify(module)}
    startPostgres({ folder: ${JSON.stringify(folder)}, log() {} })
      .then(() => console.log('started'), (error) => { console.log(error.code); process.exit() })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  const [chunk] = await once(child.stdout, 'data')
  return { child, said: String(chunk).trim() }
}

test('the first start makes a cluster with fsync on, UTF-8, UTC and no TCP port', async () => {
  const server = await startPostgres({ folder, log })
  assert.deepEqual(
    await ask(
      server,
      `select current_setting('fsync') as fsync, current_setting('server_encoding') as encoding,
       current_setting('timezone') as zone, current_setting('listen_addresses') as tcp,
       current_setting('data_checksums') as checksums`,
    ),
    { fsync: 'on', encoding: 'UTF8', zone: 'UTC', tcp: '', checksums: 'on' },
  )
  await assert.rejects(ask({ owner: { ...server.owner, password: 'x' } }, 'select 1'))
  const { pid } = server
  await server.close()
  assert.equal(isServerOf(pid, cluster), false)
})

test('a lock file whose number belongs to another program does not stop the start', async () => {
  // Under the same account: PostgreSQL itself would believe the file and give up.
  const stranger = spawn('sleep', ['60'], { ...databaseAccount(), stdio: 'ignore' })
  try {
    writeFileSync(join(cluster, 'postmaster.pid'), `${stranger.pid}\n${cluster}\n1\n5432\n`)
    const server = await startPostgres({ folder, log })
    assert.deepEqual(await ask(server, 'select 1 as one'), { one: 1 })
    await server.close()
  } finally {
    stranger.kill('SIGKILL')
  }
})

test('kill -9 of the server: it is started again by itself, committed rows are there', async () => {
  const server = await startPostgres({ folder, log })
  await ask(server, 'create table kept as select 42 as answer')
  const restarted = once(server.events, 'restarted')
  const { pid } = server
  process.kill(pid, 'SIGKILL')
  await restarted
  assert.notEqual(server.pid, pid)
  assert.deepEqual(await ask(server, 'select answer from kept'), { answer: 42 })
  await server.close()
})

test('kill -9 of Ticklock leaves the server running, and the next start takes it over', async () => {
  const { child, said } = await otherTicklock()
  assert.equal(said, 'started')
  child.kill('SIGKILL')
  await once(child, 'exit')
  const server = await startPostgres({ folder, log })
  assert.deepEqual(await ask(server, 'select answer from kept'), { answer: 42 })
  await server.close()
  assert.equal(server.pid, 0)
})

test('Ctrl-C reaches our process group only: the server outlives it', async () => {
  const { child } = await otherTicklock()
  const { pid } = readLockFile(cluster) ?? { pid: 0 }
  process.kill(-(child.pid ?? 0), 'SIGINT')
  await once(child, 'exit')
  await sleep(300)
  assert.equal(isServerOf(pid, cluster), true)
  await (await startPostgres({ folder, log })).close()
})

test('kill -9 of both, and a start at once while the old processes linger', async () => {
  const { child } = await otherTicklock()
  const { pid } = readLockFile(cluster) ?? { pid: 0 }
  process.kill(pid, 'SIGKILL')
  child.kill('SIGKILL')
  const server = await startPostgres({ folder, log })
  assert.deepEqual(await ask(server, 'select answer from kept'), { answer: 42 })
  await server.close()
})

test('another process finds the running server, and none where none runs', async () => {
  assert.equal(runningPostgres(folder), null)
  assert.equal(runningPostgres(join(parent, 'nowhere')), null)
  const server = await startPostgres({ folder, log })
  assert.deepEqual(runningPostgres(folder), server.connection)
  assert.deepEqual(runningPostgres(folder, 'owner'), server.owner)
  await server.close()
})

test('root, in a folder closed to the database: it goes to /var/lib, and stays there', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('not root')
  const closed = join(parent, 'closed')
  const inside = join(closed, 'postgres')
  mkdirSync(closed, { mode: 0o700 })
  const elsewhere = reachableFolder(inside, databaseAccount())
  try {
    assert.match(elsewhere, /^\/var\/lib\/ticklock\/postgres-[0-9a-f]{12}$/)
    assert.equal(reachableFolder(inside, databaseAccount()), elsewhere)
    mkdirSync(join(elsewhere, 'cluster'))
    chmodSync(closed, 0o711)
    assert.equal(reachableFolder(inside, databaseAccount()), elsewhere)
    rmSync(inside, { recursive: true })
    assert.equal(reachableFolder(inside, databaseAccount()), inside)
    mkdirSync(join(inside, 'cluster'))
    chmodSync(closed, 0o700)
    assert.throws(() => reachableFolder(inside, databaseAccount()), { code: 'OPS-04' })
  } finally {
    rmSync(elsewhere, { recursive: true })
  }
})

test('a server that somebody else stopped is started again', async () => {
  const server = await startPostgres({ folder, log })
  const restarted = once(server.events, 'restarted')
  process.kill(server.pid, 'SIGINT')
  await restarted
  await server.close()
})

test('a second Ticklock on the same folder is refused (OPS-11)', async () => {
  const server = await startPostgres({ folder, log })
  const { child, said } = await otherTicklock()
  if (child.exitCode === null) await once(child, 'exit')
  assert.equal(said, 'OPS-11')
  await sleep(100)
  assert.deepEqual(await ask(server, 'select 1 as one'), { one: 1 })
  await server.close()
})

test('a damaged cluster is OPS-07, a password others can read OPS-10', async () => {
  writeFileSync(join(cluster, 'postgresql.conf'), 'nonsense here\n')
  await assert.rejects(startPostgres({ folder, log }), {
    code: 'OPS-07',
    message: /postgresql.conf/,
  })
  const open = join(parent, 'open')
  mkdirSync(open)
  writeFileSync(join(open, 'password'), 'x', { mode: 0o644 })
  await assert.rejects(startPostgres({ folder: open, log }), { code: 'OPS-10' })
  rmSync(cluster, { recursive: true })
})
