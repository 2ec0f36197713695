// The whole way of a backlog: frames on real sockets from another process, session, gate, sink, the
// commit and the acknowledgement, against one COPY of exactly the same rows into a table of the
// same shape in the same database. Rounds take turns; a checkpoint before each side, so that
// neither pays for the other's pages. Readings per second, medians; the ratio is the median of the
// rounds'.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { Fleet } from '../../services/billing/fleet/db/board.ts'
import { ReadingSink } from '../../services/billing/readings/db/sink.ts'
import { openCommands } from '../../services/billing/fleet/db/commands.ts'
import { openRoster } from '../../services/billing/fleet/db/roster.ts'
import { runMaster } from '../../services/master/main.ts'
import { type KeyStore, openKeyStore } from '../../services/master/shell/keys/key-store.ts'
import { TreeKeys } from '../../services/master/shell/keys/tree-keys.ts'
import { toHex } from '../../shared/bytes.ts'
import { nodeRandom, nodeSuite } from '../../shared/node/node-suite.ts'
import { encodeTree, plantTree } from '../../shared/tves/tree.ts'
import { unixMs } from '../../shared/units.ts'
import { testPostgres, type TestPostgres } from '../e2e/postgres.ts'
import { type BenchDevice, roundStart, rowsOf, type Scenario } from './backlog.ts'
import { copyIn } from './copy.ts'
import type { LoaderAnswer, LoaderTask } from './loader.ts'
import { type BenchRow, median, row } from './rows.ts'

/** How long ago the epoch of the outage began, milliseconds: all its seconds are over. */
const EPOCH_AGE_MS = 43_200_000
/** All devices call from one address, again in each round. */
const HANDSHAKES = { inFlightPerSource: 1_000, perSource: 1_000_000, perDevice: 1_000_000 }
const LOADER = fileURLToPath(new URL('./loader.js', import.meta.url))
const OF = 'one COPY of the same rows into a table of the same shape'
/** Rounds that only warm up. */
const WARM_UP = 1

/** Devices that enrolled and got their epoch before the outage. */
async function seed(
  { db }: TestPostgres,
  { keys, trees }: { readonly keys: KeyStore; readonly trees: TreeKeys },
  scenario: Scenario,
): Promise<readonly BenchDevice[]> {
  const roster = openRoster(db.kysely)
  const origin = unixMs(Date.now() - EPOCH_AGE_MS)
  const devices: BenchDevice[] = []
  for (let at = 0; at < scenario.devices; at += 1) {
    const id = nodeRandom(8)
    const [staticKey, psk, transcript] = [nodeRandom(32), nodeRandom(32), nodeRandom(32)]
    const tree = encodeTree(plantTree(nodeSuite, nodeRandom(32)))
    const name = `bench-${scenario.kind}-${at}`
    const [device, publicKey] = [toHex(id), nodeSuite.publicKey(staticKey)]
    const wrapped = keys.wrap(psk, { is: 'psk', device, staticKey: publicKey })
    await db.pool.query(
      'insert into devices (id, name, static_key, psk, attempt) values ($1, $2, $3, $4, 1)',
      [device, name, Buffer.from(publicKey), Buffer.from(wrapped)],
    )
    const epoch = { id: 1, origin, transcript }
    const wrappedTree = trees.wrap(tree, { is: 'tree', device, epoch: epoch.id })
    const record = { ...epoch, device, keys: wrappedTree, closed: false }
    await roster.commitEpoch(record, publicKey)
    devices.push({ id, name, staticKey, psk, epoch: { ...epoch, tree, state: 'committed' } })
  }
  return devices
}

/** Gives the loader a task; rejects with what went wrong there. */
async function ask(loader: ChildProcess, task: LoaderTask): Promise<void> {
  const gone = new AbortController()
  const onExit = () => gone.abort(new Error('the loader ended'))
  loader.once('exit', onExit)
  try {
    const answered = once(loader, 'message', { signal: gone.signal })
    loader.send(task)
    const [answer] = (await answered) as [LoaderAnswer]
    if ('failed' in answer) throw new Error(answer.failed)
  } finally {
    loader.off('exit', onExit)
  }
}

async function rate(rows: number, work: () => Promise<void>): Promise<number> {
  const from = performance.now()
  await work()
  return (rows / (performance.now() - from)) * 1_000
}

/** Partitions that `readings` has and its empty copy lacks. */
async function likeness(client: Client): Promise<void> {
  await client.query(
    'create table if not exists likeness (like readings including all) partition by range (ts)',
  )
  const { rows } = await client.query<{ name: string; bounds: string }>(
    `select replace(c.relname, 'readings', 'likeness') as name,
       pg_get_expr(c.relpartbound, c.oid) as bounds
     from pg_inherits h join pg_class c on c.oid = h.inhrelid
     where h.inhparent = 'readings'::regclass`,
  )
  for (const { name, bounds } of rows) {
    await client.query(`create table if not exists ${name} partition of likeness ${bounds}`)
  }
}

/** The rows of a round in `readings`, as COPY writes them. */
async function rowsBetween(client: Client, from: number, to: number): Promise<Buffer> {
  const { rows } = await client.query<{ data_directory: string }>('show data_directory')
  const file = join(rows[0]?.data_directory ?? '', 'bench.copy')
  const [after, through] = [from, to].map((at) => new Date(at).toISOString())
  await client.query(
    `copy (select * from readings where ts > '${after}' and ts <= '${through}')
     to '${file}'`,
  )
  const bytes = readFileSync(file)
  rmSync(file)
  return bytes
}

async function storedRows(client: Client): Promise<number> {
  const { rows } = await client.query<{ count: string }>(
    "select count from counters where name = 'readings'",
  )
  return Number(rows[0]?.count)
}

/** Both sides, once each round. */
async function rounds(
  client: Client,
  loader: ChildProcess,
  scenario: Scenario,
  origin: Parameters<typeof roundStart>[1],
): Promise<{ ours: number[]; copied: number[] }> {
  const result = { ours: new Array<number>(), copied: new Array<number>() }
  const rows = rowsOf(scenario)
  for (let round = 0; round < scenario.rounds; round += 1) {
    await client.query('checkpoint')
    const ours = await rate(rows, () => ask(loader, { round }))
    const stored = await storedRows(client)
    if (stored !== rows * (round + 1)) throw new Error(`${stored} readings stored in all`)
    const [from, to] = [round, round + 1].map((at) => roundStart(scenario, origin, at))
    const bytes = await rowsBetween(client, from ?? 0, to ?? 0)
    await likeness(client)
    await client.query('checkpoint')
    const copied = await rate(rows, () => copyIn(client, 'likeness', bytes))
    if (round < WARM_UP) continue
    result.ours.push(ours)
    result.copied.push(copied)
  }
  const { rows: counted } = await client.query<{ count: string }>('select count(*) from likeness')
  const expected = rows * scenario.rounds
  if (Number(counted[0]?.count) !== expected) throw new Error('the reference stored other rows')
  return result
}

/** Ingests a scenario's backlog and copies the same rows. */
export async function durableRows(bench: string, scenario: Scenario): Promise<BenchRow> {
  const postgres = await testPostgres()
  const { pool, kysely } = postgres.db
  const client = new Client(postgres.server.owner)
  const loader = fork(LOADER, { serialization: 'advanced' })
  const board = new Fleet(pool, () => {})
  const sink = new ReadingSink(pool)
  const keys = openKeyStore(join(postgres.folder, '..', 'keys'))
  const trees = new TreeKeys(keys.folder, Date.now())
  try {
    await client.connect()
    const devices = await seed(postgres, { keys, trees }, scenario)
    const master = await runMaster({
      keys,
      trees,
      roster: openRoster(kysely),
      commands: openCommands(kysely, () => unixMs(Date.now())),
      sink,
      board,
      tcp: { host: '127.0.0.1', port: 0 },
      ws: null,
      toleranceSeconds: 10,
      clockBoundUs: 10_000,
      connectionsMax: 100,
      handshakeLimits: HANDSHAKES,
      log: (code, detail) => console.error(code, detail),
    })
    try {
      const masterKey = keys.staticKeys[0].publicKey
      const port = master.tcpPort ?? 0
      await ask(loader, { seal: { scenario, port, masterKey, devices } })
      const origin = devices[0]?.epoch.origin ?? unixMs(0)
      const { ours, copied } = await rounds(client, loader, scenario, origin)
      const measured = row(bench, [median(ours), median(copied)], 'rows/s', OF)
      const ratios = ours.map((rows, at) => rows / (copied[at] ?? 0))
      return { ...measured, ratio: Math.round(median(ratios) * 100) / 100 }
    } finally {
      await master.close()
    }
  } finally {
    loader.disconnect()
    await board.close()
    await sink.close()
    await client.end()
    await postgres.close()
  }
}
