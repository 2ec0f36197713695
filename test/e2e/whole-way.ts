// The whole way in a folder of its own: `ticklock up` and `ticklock slave` as real processes, the
// embedded PostgreSQL they bring, and the test as an operator who looks into the database.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { freePorts } from './ports.ts'
import { type Db, openDatabase } from '../../services/billing/store/pool.ts'
import { createDevice, issueToken } from '../../services/billing/fleet/db/roster.ts'
import { runningPostgres } from '../../services/billing/store/embedded/embedded-postgres.ts'
import { isServerOf, liveServer } from '../../services/billing/store/embedded/postmaster.ts'
import { openKeyStore } from '../../services/master/shell/keys/key-store.ts'
import { toHex } from '../../shared/bytes.ts'
import type { DeviceId } from '../../shared/handover/sink.ts'
import { nodeRandom, nodeSuite } from '../../shared/node/node-suite.ts'
import { packageRoot } from '../../shared/node/root.ts'
import { masterKeyTag } from '../../shared/tves/handshake.ts'
import { Secret } from '../../shared/secret.ts'
import { encodeToken, fingerprint } from '../../shared/tves/token.ts'
import { type UnixMs, unixMs } from '../../shared/units.ts'
import { type ClusterOptions, copyCluster, temporaryFolder } from './postgres.ts'

/** Longest anything here may take on a busy machine, milliseconds. */
const PATIENCE_MS = 60_000
const LOOK_MS = 100
const TOKEN_LIFE_MS = 3_600_000
/** Two of the master's looks at the roster; until then a new token is SEC-07. */
const NOTICE_MS = 2_000

const TICKLOCK = join(packageRoot(), 'bin/ticklock.js')

/** Waits until `look` returns something other than null or false; it may throw, for instance while
 * the database is away. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | false> | T | null | false,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const since = performance.now()
  let trouble = ''
  for (;;) {
    try {
      const found = await look()
      if (found !== null && found !== false) return found
      trouble = ''
    } catch (error) {
      trouble = ` (${String(error)})`
    }
    const waited = performance.now() - since
    assert.ok(waited < patienceMs, `not within ${patienceMs} ms: ${what}${trouble}`)
    await wait(LOOK_MS)
  }
}

interface Ended {
  readonly code: number | null
  readonly output: string
}

/** `ticklock ...args` as a process of its own; its output is kept. */
export class Process {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  output = ''

  constructor(args: readonly string[], env: NodeJS.ProcessEnv, logFile: string | null = null) {
    const log = logFile === null ? 'pipe' : openSync(logFile, 'a', 0o600)
    const { NODE_TEST_CONTEXT: _, ...ours } = process.env
    this.child = spawn(process.execPath, [TICKLOCK, ...args], {
      stdio: ['ignore', log, log],
      env: { ...ours, ...env },
    })
    if (typeof log === 'number') closeSync(log)
    const keep = (chunk: Buffer): void => {
      this.output += chunk.toString()
    }
    this.child.stdout?.on('data', keep)
    this.child.stderr?.on('data', keep)
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code) => resolve({ code, output: this.output }))
    })
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  /** Resolves when the process is gone. */
  end(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<Ended> {
    if (this.running) this.child.kill(signal)
    return this.ended
  }

  async said(text: string): Promise<void> {
    await until(`"${text}" from the process`, () => {
      assert.ok(this.running || this.output.includes(text), this.output)
      return this.output.includes(text)
    })
  }
}

/** One slave: its folder, its file, and its process while it runs. Nothing restarts it. */
export class Slave {
  readonly name: string
  readonly device: DeviceId
  readonly folder: string
  #process: Process | null = null

  constructor(name: string, device: DeviceId, folder: string) {
    this.name = name
    this.device = device
    this.folder = folder
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }

  get dataFolder(): string {
    return join(this.folder, 'data')
  }

  configure(toml: string): void {
    writeFileSync(join(this.folder, 'slave.toml'), toml, { mode: 0o600 })
  }

  start(): void {
    assert.ok(this.#process === null, 'a slave runs once')
    const file = join(this.folder, 'slave.toml')
    this.#process = new Process(['slave', '--config', file], {}, this.logFile)
  }

  get logFile(): string {
    return join(this.folder, 'log.jsonl')
  }

  log(): string {
    return existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8') : ''
  }

  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const running = this.#process
    this.#process = null
    await running?.end(signal)
  }
}

interface Token {
  readonly device: DeviceId
  readonly text: string
  readonly id: Uint8Array
  readonly secret: Uint8Array
}

export class WholeWay {
  readonly folder: string
  readonly ports: { readonly http: number; readonly tcp: number; readonly ws: number }
  readonly env: NodeJS.ProcessEnv
  readonly #remove: () => void
  readonly #slaves: Slave[] = []
  #process: Process | null = null
  #db: Db | null = null

  private constructor(
    { folder, remove }: ReturnType<typeof temporaryFolder>,
    ports: readonly number[],
    env: NodeJS.ProcessEnv,
  ) {
    const [http = 0, tcp = 0, ws = 0] = ports
    this.folder = folder
    this.#remove = remove
    this.ports = { http, tcp, ws }
    this.env = {
      TICKLOCK_HTTP_PORT: String(http),
      TICKLOCK_TCP_PORT: String(tcp),
      TICKLOCK_WS_PORT: String(ws),
      TICKLOCK_NTP_PORT: '0',
      TICKLOCK_DATA: folder,
      // All slaves share an address here, and are killed and started all the time.
      TICKLOCK_HANDSHAKES_PER_SOURCE: '6000',
      ...env,
    }
  }

  /** A fresh folder with a running head-end. */
  static async open(env: NodeJS.ProcessEnv = {}, options: ClusterOptions = {}): Promise<WholeWay> {
    const way = new WholeWay(temporaryFolder(), await freePorts(3), env)
    if (env['DATABASE_URL'] === undefined) copyCluster(join(way.folder, 'postgresql'), options)
    try {
      await way.start()
      return way
    } catch (error) {
      await way.close()
      throw error
    }
  }

  async start(): Promise<void> {
    this.#process = new Process(['up'], this.env)
    await this.#process.said('Ticklock is up')
  }

  /** Ends master and billing; after SIGKILL their PostgreSQL lives on. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const ended = await this.#process?.end(signal)
    this.#process = null
    if (signal === 'SIGTERM' && ended !== undefined) assert.equal(ended.code, 0, ended.output)
  }

  get output(): string {
    return this.#process?.output ?? ''
  }

  get cluster(): string {
    return join(this.folder, 'postgresql', 'cluster')
  }

  get postgresPid(): number {
    return liveServer(this.cluster)?.pid ?? 0
  }

  get db(): Db {
    if (this.#db === null) {
      const connection =
        this.env['DATABASE_URL'] ?? runningPostgres(join(this.folder, 'postgresql'), 'owner')
      assert.ok(connection !== null, 'PostgreSQL runs')
      this.#db = openDatabase(connection, () => {})
    }
    return this.#db
  }

  async rows<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const { rows } = await this.db.pool.query<Row>(text, [...values])
    return rows
  }

  async count(text: string, values: readonly unknown[] = []): Promise<number> {
    const [row] = await this.rows<{ count: number }>(text, values)
    return row?.count ?? 0
  }

  readings(): Promise<number> {
    return this.count('select count(*) as count from readings')
  }

  /** Refusals with this code: all of them, or those of one device. */
  refused(code: string, device: string | null = null): Promise<number> {
    return this.count(
      `select coalesce(sum(count), 0)::bigint as count from refusals
       where code = $1 and ($2::text is null or device_id = $2)`,
      [code, device],
    )
  }

  /** Registers a device and makes its one-time token. */
  async register(name: string, historyFrom: UnixMs | null): Promise<Token> {
    const { kysely } = this.db
    const device = await createDevice(kysely, { id: nodeRandom(8), name, historyFrom })
    return this.token(device)
  }

  /** Resolves when a running master has noticed what was registered (it looks every second). */
  noticed(): Promise<void> {
    return wait(NOTICE_MS)
  }

  async token(device: DeviceId): Promise<Token> {
    const keys = openKeyStore(join(this.folder, 'keys'))
    const [id, secret] = [nodeRandom(8), nodeRandom(16)]
    const expiresAt = unixMs(Date.now() + TOKEN_LIFE_MS)
    const [{ publicKey }] = keys.staticKeys
    const masterKey = masterKeyTag(nodeSuite, publicKey)
    const wrapped = keys.wrap(secret, { is: 'token', device, token: toHex(id) })
    const record = { id, device, secret: wrapped, expiresAt, masterKey }
    await issueToken(this.db.kysely, record)
    const print = fingerprint(nodeSuite, publicKey)
    const text = encodeToken({ id, secret: new Secret(secret), fingerprint: print })
    return { device, text, id, secret }
  }

  /** A slave of this head-end, not yet started; `close` ends it. */
  slave(name: string, device: DeviceId): Slave {
    const folder = join(this.folder, 'slaves', name)
    const slave = new Slave(name, device, folder)
    this.#slaves.push(slave)
    return slave
  }

  /** Ends everything, whatever state it is in; `before` runs before the folder goes. */
  async close(before: () => void = () => {}): Promise<void> {
    for (const slave of this.#slaves) await slave.end('SIGKILL')
    await this.#db?.close()
    this.#db = null
    const ended = await this.#process?.end('SIGTERM')
    this.#process = null
    const pid = this.postgresPid
    if (pid !== 0) {
      process.kill(pid, 'SIGINT')
      await until('PostgreSQL is gone', () => !isServerOf(pid, this.cluster))
    }
    before()
    this.#remove()
    if (ended === undefined || ended.code === 0) return
    // Not thrown: the hooks after this one would not run, and an earlier failure would hide it.
    console.error(`the head-end ended with code ${ended.code}:\n${ended.output}`)
    process.exitCode = 1
  }
}

/** One SEM line, as a technician would write it. */
export function semToml(plan: {
  readonly master: string
  readonly token: string
  readonly line: string
  readonly meters: readonly string[]
  readonly everySeconds: number
  readonly data?: string
}): string {
  return `data = "${plan.data ?? 'data'}"
master = "${plan.master}"
token = "${plan.token}"

[[line]]
url = "${plan.line}"
protocol = "sem"
meters = [${plan.meters.map((meter) => `"${meter}"`).join(', ')}]
every = ${plan.everySeconds}
`
}
