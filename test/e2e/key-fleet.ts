// A head-end with its real database, key folder and sockets, and many light slaves that were
// enrolled from one CSV file.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { openCommands } from '../../services/billing/fleet/db/commands.ts'
import { Fleet } from '../../services/billing/fleet/db/board.ts'
import { ReadingSink } from '../../services/billing/readings/db/sink.ts'
import { openRoster } from '../../services/billing/fleet/db/roster.ts'
import { readDeviceList } from '../../services/commands/work/device-list.ts'
import { enrolAll } from '../../services/commands/work/enrolment.ts'
import { type RunningMaster, runMaster } from '../../services/master/main.ts'
import { type KeyStore, openKeyStore } from '../../services/master/shell/keys/key-store.ts'
import { TreeKeys } from '../../services/master/shell/keys/tree-keys.ts'
import type { StoredFrame } from '../../services/slave/core/state/stored.ts'
import { readCsv } from '../../shared/documents/csv.ts'
import type { Random } from '../../shared/bytes.ts'
import { unixMs } from '../../shared/units.ts'
import { LightSlave } from './light-slave.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

/** All callers share 127.0.0.1 here. */
const NO_LIMIT = { perSource: 1e6, perDevice: 1e6, inFlight: 1e6, inFlightPerSource: 1e6 }
/** Slaves started at a time, and the pause after them: a handshake costs both sides CPU time. */
const STARTED_AT_ONCE = 20
const START_PAUSE_MS = 50

export interface FleetPlan {
  readonly everyMs: number
  readonly random?: Random
  readonly onFrames?: (name: string, frames: readonly StoredFrame[]) => void
}

export class KeyFleet {
  readonly folder: string
  readonly keyFolder: string
  readonly postgres: TestPostgres
  readonly keys: KeyStore
  readonly trees: TreeKeys
  readonly said: string[] = []
  readonly slaves = new Map<string, LightSlave>()
  readonly #sink: ReadingSink
  readonly #board: Fleet
  #master: RunningMaster | null = null

  private constructor(postgres: TestPostgres) {
    this.postgres = postgres
    this.folder = join(postgres.folder, '..')
    this.keyFolder = join(this.folder, 'keys')
    this.keys = openKeyStore(this.keyFolder)
    this.trees = new TreeKeys(this.keyFolder, Date.now())
    this.#sink = new ReadingSink(postgres.db.pool)
    this.#board = new Fleet(postgres.db.pool, () => {})
  }

  static async open(): Promise<KeyFleet> {
    const fleet = new KeyFleet(await testPostgres())
    try {
      await fleet.start()
      return fleet
    } catch (error) {
      await fleet.close()
      throw error
    }
  }

  async start(): Promise<void> {
    this.#master = await runMaster({
      keys: this.keys,
      trees: this.trees,
      roster: openRoster(this.postgres.db.kysely),
      sink: this.#sink,
      commands: openCommands(this.postgres.db.kysely, () => unixMs(Date.now())),
      board: this.#board,
      tcp: { host: '127.0.0.1', port: this.#master?.tcpPort ?? 0 },
      ws: null,
      toleranceSeconds: 10,
      clockBoundUs: 20_000,
      connectionsMax: 10_000,
      handshakeLimits: NO_LIMIT,
      log: (code, detail) => this.said.push(`${code} ${detail}`),
      say: (line) => this.said.push(line),
    })
  }

  get master(): RunningMaster {
    assert.ok(this.#master !== null, 'the master runs')
    return this.#master
  }

  /** Enrols `count` devices from one CSV file, as `ticklock enrol` does, and times it. */
  async enrol(count: number, prefix = 'box'): Promise<{ ms: number; tokens: Map<string, string> }> {
    const names = Array.from({ length: count }, (_, at) => `${prefix}-${at}`)
    const out = join(this.folder, `${prefix}.tokens.csv`)
    const from = performance.now()
    const zone = { historyFrom: unixMs(0), zone: 'UTC' }
    const listed = readDeviceList(`name,history_from\n${names.join(',none\n')},none\n`, zone)
    const labels = join(this.folder, `${prefix}.html`)
    const options = { out, labels, skipExisting: false }
    await enrolAll(this.postgres.db, this.keys, listed, options, unixMs(Date.now()))
    const ms = performance.now() - from
    await this.master.refresh()
    const csv = readCsv(readFileSync(out, 'utf8'))
    assert.ok(csv.ok)
    const rows = csv.rows.slice(1).map(([name, , token]) => [name?.text ?? '', token?.text ?? ''])
    return { ms, tokens: new Map(rows as [string, string][]) }
  }

  async startSlaves(tokens: ReadonlyMap<string, string>, plan: FleetPlan): Promise<void> {
    let started = 0
    for (const [meter, token] of tokens) {
      const { everyMs, random, onFrames } = plan
      const port = this.master.tcpPort ?? 0
      const slave = new LightSlave({
        meter,
        token,
        port,
        everyMs,
        ...(random === undefined ? {} : { random }),
        onFrames: (frames) => onFrames?.(meter, frames),
      })
      this.slaves.set(meter, slave)
      started += 1
      if (started % STARTED_AT_ONCE === 0) await wait(START_PAUSE_MS)
    }
  }

  /** How many slaves fulfil the condition. */
  count(which: (slave: LightSlave) => boolean): number {
    return [...this.slaves.values()].filter(which).length
  }

  get taken(): number {
    return [...this.slaves.values()].reduce((sum, { taken }) => sum + taken, 0)
  }

  /** Which of each meter's values 1, 2, 3 ... the database holds. */
  async stored(): Promise<{ rows: number; distinct: number; lost: number }> {
    const { rows } = await this.postgres.owner.query<{ number: string; n: number; v: number }>(
      `select number, count(*) as n, count(distinct value) as v
       from readings join meters on meters.id = meter_id group by number`,
    )
    const known = new Map(rows.map(({ number, n, v }) => [number, { n, v }]))
    let [total, distinct, lost] = [0, 0, 0]
    for (const [meter, { taken }] of this.slaves) {
      const { n, v } = known.get(meter) ?? { n: 0, v: 0 }
      total += n
      distinct += v
      lost += taken - v
    }
    return { rows: total, distinct, lost }
  }

  /** Stops reading the meters and waits until everything taken is durable. */
  async drain(patienceMs: number): Promise<void> {
    for (const slave of this.slaves.values()) slave.reads = false
    const until = performance.now() + patienceMs
    while (this.count((slave) => !slave.drained) > 0) {
      assert.ok(performance.now() < until, 'everything taken becomes durable')
      await wait(50)
    }
  }

  async close(): Promise<void> {
    for (const slave of this.slaves.values()) slave.stop()
    await this.#master?.close()
    await this.#board.close()
    await this.#sink.close()
    await this.postgres.close()
  }
}
