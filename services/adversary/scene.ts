// Where the attacks happen: a real head-end on a real PostgreSQL in a folder of its own, real slave
// processes behind a line that the attacker holds, and simulated meters, each of whose readings can
// be distinguished from a forged one.

import { NO_ENVIRONMENT } from '../billing/utility/core/environment.ts'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { DeviceId } from '../../shared/handover/sink.ts'
import type { Log } from '../../shared/node/log.ts'
import { nodeRandom } from '../../shared/node/node-suite.ts'
import { unixMs } from '../../shared/units.ts'
import { createDevice } from '../billing/fleet/db/roster.ts'
import { newToken } from '../enrolment-token.ts'
import { type HeadEnd, startHeadEnd } from '../head-end.ts'
import type { Settings } from '../settings.ts'
import { type SemBus, serveSemBus } from '../simulator/sem-bus.ts'
import { type SimulatedMeter, simulatedMeter } from '../simulator/simulated-meter.ts'
import {
  type SlaveProcess,
  startSlaveProcess,
  writeSlaveConfig,
} from '../simulator/slave-processes.ts'
import { type TappedLine, tapLine } from './line.ts'
import { TOLERANCE_DEFAULT } from '../../shared/wire/limits.ts'

/** How long any step may take before the attack itself counts as failed, ms. */
const PATIENCE_MS = 60_000
const LOOK_MS = 50
/** How far a live reading may lie from the meter's own function: the time from a meter's answer to
 * its stamp, ms. */
const STAMP_SLACK_MS = 10_000

/** A real slave behind a line that the attacker holds. */
export interface Victim {
  readonly name: string
  readonly device: DeviceId
  readonly folder: string
  readonly line: TappedLine
  readonly process: SlaveProcess
}

/** What a stranger's messages must not change: keys, tokens, epochs, positions, rows. */
export type Fingerprint = string

export class AttackScene {
  readonly settings: Settings
  readonly #log: Log
  readonly #meters: SimulatedMeter[] = []
  readonly #closers: (() => Promise<void>)[] = []
  #closing: Promise<void> | null = null
  #headEnd: HeadEnd | null = null

  private constructor(settings: Settings, log: Log) {
    this.settings = settings
    this.#log = log
  }

  static async open(log: Log): Promise<AttackScene> {
    const folder = mkdtempSync(join(tmpdir(), 'ticklock-attack-'))
    // The database's account must be able to pass through.
    chmodSync(folder, 0o711)
    const [httpPort = 0, tcpPort = 0, wsPort = 0] = await freePorts(3)
    const scene = new AttackScene(
      {
        host: '127.0.0.1',
        httpPort,
        tcpPort,
        wsPort,
        dataFolder: folder,
        databaseUrl: null,
        ownerUrl: null,
        clockBoundUs: 20_000,
        ntpPort: 0,
        publicUrl: null,
        trustedProxies: [],
        timeSources: [],
        timeAuthorities: [],
        toleranceSeconds: TOLERANCE_DEFAULT,
        zone: 'UTC',
        // The tests try the limits of a source.
        handshakesPerSource: 6_000,
      },
      log,
    )
    scene.#closers.push(async () => rmSync(folder, { recursive: true, force: true }))
    try {
      await scene.startMaster()
      return scene
    } catch (error) {
      await scene.close()
      throw error
    }
  }

  get headEnd(): HeadEnd {
    if (this.#headEnd === null) throw new Error('broken promise: the head-end runs')
    return this.#headEnd
  }

  async startMaster(other: Partial<Settings> = {}): Promise<void> {
    const settings = { ...this.settings, ...other }
    this.#headEnd = await startHeadEnd(settings, {
      utility: NO_ENVIRONMENT,
      inbox: null,
      attacks: null,
      backfill: async () => null,
      demo: false,
      log: this.#log,
    })
  }

  async stopMaster(): Promise<void> {
    await this.#headEnd?.close()
    this.#headEnd = null
  }

  /** Ends everything the scene started; called again, it waits for the same end. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll()
    return this.#closing
  }

  async #closeAll(): Promise<void> {
    const [folder, ...closers] = this.#closers.splice(0)
    for (const close of closers.toReversed()) await close()
    await this.stopMaster()
    await folder?.()
  }

  /** A new device and its one-time token, known to the running master. */
  async register(name: string): Promise<{ readonly device: DeviceId; readonly token: string }> {
    const { billing, keys, master } = this.headEnd
    const { db } = billing
    const device = await createDevice(db.kysely, { id: nodeRandom(8), name, historyFrom: null })
    const token = await newToken(db, keys, device, unixMs(Date.now()))
    await master.refresh()
    return { device, token }
  }

  /** A slave process reading `meters` simulated meters, enrolled and storing. */
  async victim(
    name: string,
    plan: { readonly meters: number; readonly everySeconds: number },
  ): Promise<Victim> {
    const meters = Array.from({ length: plan.meters }, (_, index) =>
      simulatedMeter(`${name}-${index + 1}`, this.#meters.length + index + 1),
    )
    this.#meters.push(...meters)
    const bus: SemBus = await serveSemBus({ meters, now: () => unixMs(Date.now()) })
    this.#closers.push(() => bus.close())
    const line = await tapLine(() => this.settings.tcpPort)
    this.#closers.push(() => line.close())
    const { device, token } = await this.register(name)
    const folder = join(this.settings.dataFolder, 'slaves', name)
    const file = writeSlaveConfig({
      name,
      folder,
      master: line.url,
      token,
      line: bus.url,
      meters: meters.map(({ number }) => number),
      everySeconds: plan.everySeconds,
      clock: 'watch',
    })
    const process = startSlaveProcess(name, file, join(folder, 'log.jsonl'))
    this.#closers.push(() => process.stop())
    await until(`${name} is read`, async () => (await this.readingsOf(device)) >= plan.meters)
    return { name, device, folder, line, process }
  }

  async count(text: string, values: readonly unknown[] = []): Promise<number> {
    const { rows } = await this.headEnd.billing.db.pool.query<{ count: string | number }>(text, [
      ...values,
    ])
    return Number(rows[0]?.count ?? 0)
  }

  readingsOf(device: DeviceId): Promise<number> {
    return this.count(
      `select count(*) as count from readings join meters on meters.id = meter_id
       where device_id = $1`,
      [device],
    )
  }

  /** Refusals so far, by code. */
  async refused(): Promise<ReadonlyMap<string, number>> {
    const { rows } = await this.headEnd.billing.db.pool.query<{ code: string; count: string }>(
      'select code, sum(count) as count from refusals group by code',
    )
    return new Map(rows.map(({ code, count }) => [code, Number(count)]))
  }

  /** One value over what devices are known by: keys and tokens alone, or everything durable. */
  async fingerprint(devices: readonly DeviceId[], over: 'keys' | 'all'): Promise<Fingerprint> {
    const text = over === 'keys' ? FINGERPRINT_OF_KEYS : FINGERPRINT_OF_ALL
    const { rows } = await this.headEnd.billing.db.pool.query<{ value: string }>(text, [devices])
    return rows[0]?.value ?? ''
  }

  /** Counts rows that no meter of ours ever showed and that count for a bill or a page. */
  async forged(): Promise<number> {
    const known = new Map(this.#meters.map((meter) => [meter.number, meter]))
    const { rows } = await this.headEnd.billing.db.pool.query<{
      number: string
      ts: Date
      value: string | number
    }>('select number, ts, value from standing_readings join meters on meters.id = meter_id')
    return rows.filter(({ number, ts, value }) => {
      const meter = known.get(number)
      if (meter === undefined) return true
      const [low, high] = [ts.getTime() - STAMP_SLACK_MS, ts.getTime() + STAMP_SLACK_MS]
      const shown = Number(value)
      return shown < meter.registerWh(unixMs(low)) || shown > meter.registerWh(unixMs(high))
    }).length
  }
}

const KEYS = `
  (select string_agg(concat_ws(',', id, static_key, psk, attempt, revoked_at), ';' order by id)
     from devices where id = any($1)),
  (select string_agg(concat_ws(',', id, burnt_by), ';' order by id)
     from enrolment_tokens where device_id = any($1))`

const FINGERPRINT_OF_KEYS = `select md5(concat_ws('|', ${KEYS})) as value`

const FINGERPRINT_OF_ALL = `
select md5(concat_ws('|', ${KEYS},
  (select string_agg(concat_ws(',', device_id, id, transcript, closed_at), ';' order by device_id, id)
     from epochs where device_id = any($1)),
  (select string_agg(concat_ws(',', device_id, epoch, run, sequence, hash), ';'
                     order by device_id, epoch, run)
     from stream_positions where device_id = any($1)),
  (select string_agg(concat_ws(',', ts, meter_id, register_id, value), ';'
                     order by ts, meter_id, register_id)
     from readings join meters on meters.id = meter_id where device_id = any($1)),
  (select count(*) from exceptions where device_id = any($1))
)) as value`

/** Waits until `look` gives something other than null or false. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | false> | T | null | false,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const since = performance.now()
  for (;;) {
    const found = await look()
    if (found !== null && found !== false) return found
    if (performance.now() - since > patienceMs)
      throw new Error(`not within ${patienceMs} ms: ${what}`)
    await wait(LOOK_MS)
  }
}

/** Ports that were free a moment ago. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  const ports: number[] = []
  for (const server of servers) {
    if (!server.listening) await once(server, 'listening')
    const address = server.address()
    if (typeof address === 'object' && address !== null) ports.push(address.port)
  }
  for (const server of servers) await new Promise((closed) => server.close(closed))
  return ports
}
