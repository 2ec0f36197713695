// The database that comes with Ticklock: a real PostgreSQL 18 in a folder, started and watched by
// us.
//
// The server is its own process group, so that Ctrl-C in our terminal does not reach it: we end it,
// after our own last write. If we are killed it lives on; the next start finds it by its lock file
// and simply uses it. If it dies while we run, we restart it. One connection of ours stays open all
// the time: its end tells us at once that the server has died, and the advisory lock it holds keeps
// a second Ticklock out of the same folder. Why not the npm package's own starter: docs/adr/0002.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, type PoolConfig } from 'pg'
import { FaultError, errorCode, errorText } from '../../../../shared/node/fault-error.ts'
import {
  type Account,
  type Binaries,
  databaseAccount,
  existingFolder,
  reachableFolder,
  usableBinaries,
} from './postgres-binaries.ts'
import { ensureCluster, type Passwords, rolePasswords } from './postgres-cluster.ts'
import { isServerOf, liveServer, readLockFile } from './postmaster.ts'
import { ensureWorker, OWNER, WORKER } from './roles.ts'
import { findSocketFolder, socketFolder } from './socket-folder.ts'

/** Longest we wait for a server that gives no sign of life, milliseconds. The longest known wait is
 * for the processes of a killed server to release its memory: a few seconds on a busy machine. */
const START_MS_MAX = 60_000
/** Longest crash recovery, milliseconds: it replays what was written since the last checkpoint, at
 * most max_wal_size (2 GB), a minute or two on a slow disk. */
const RECOVERY_MS_MAX = 600_000
/** Longest a server may take to answer a connection, milliseconds; a stopped process never does. */
const CONNECT_MS_MAX = 5_000
/** Between two looks at a server that is not ready, milliseconds. */
const LOOK_MS = 50
/** Longest fast shutdown, milliseconds: it writes a checkpoint. Then we ask it to stop at once. */
const STOP_MS_MAX = 30_000
/** How long a running server may refuse us before we stop it and start our own, milliseconds. */
const MUTE_MS_MAX = 10_000
/** How long we wait for a predecessor's last connection to vanish, milliseconds. */
const LOCK_MS_MAX = 5_000
/** Pause before another try when a restart failed, milliseconds; doubled up to the limit. */
const AGAIN_MS = 1_000
const AGAIN_MS_MAX = 30_000
/** A start sets PostgreSQL's log aside when it is longer than this, bytes. */
const LOG_BYTES_MAX = 10_000_000
/** Key of the advisory lock that says "a Ticklock uses this cluster": 'tick' in ASCII. */
const LOCK_KEY = 0x7469636b
/** The database within the cluster. */
const DATABASE = 'ticklock'
const DEFAULT_PORT = 5432

type Log = (line: string) => void

/** Settings that differ from PostgreSQL's defaults. fsync and synchronous_commit stay on. */
const SETTINGS = {
  timezone: 'UTC',
  log_timezone: 'UTC',
  unix_socket_permissions: '0700',
  log_checkpoints: 'off',
  max_wal_size: '2GB',
  password_encryption: 'scram-sha-256',
}

interface Place {
  readonly folder: string
  readonly cluster: string
  readonly account: Account
  readonly binaries: Binaries
  /** Null: TCP on the loopback address. */
  readonly socket: string | null
  readonly passwords: Passwords
  readonly owner: Target
  readonly connection: Target
}

type Target = PoolConfig & { readonly host: string; readonly port: number }

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

/** How each of the two roles connects. */
function connectionsOf(how: {
  readonly socket: string | null
  readonly port: number
  readonly passwords: Passwords
}): { readonly owner: Target; readonly connection: Target } {
  const { socket, port, passwords } = how
  const target = { host: socket ?? '127.0.0.1', port, database: DATABASE }
  return {
    owner: { ...target, user: OWNER, password: passwords.owner },
    connection: { ...target, user: WORKER, password: passwords.worker },
  }
}

async function prepare(wanted: string, log: Log): Promise<Place> {
  const account = databaseAccount()
  const folder = reachableFolder(wanted, account)
  if (folder !== wanted) log(`${wanted} is closed to the database's user: using ${folder}`)
  const binaries = usableBinaries(folder, account)
  const passwords = rolePasswords(folder)
  const cluster = await ensureCluster({ folder, account, binaries, password: passwords.owner })
  const socket = socketFolder(folder, account)
  const port = socket === null ? (liveServer(cluster)?.port ?? (await freePort())) : DEFAULT_PORT
  const connections = connectionsOf({ socket, port, passwords })
  return { folder, cluster, account, binaries, socket, passwords, ...connections }
}

/** A running embedded server. `restarted` is emitted when it is back after a death that we
 * noticed. */
export class EmbeddedPostgres {
  readonly events = new EventEmitter<{ restarted: [] }>()
  /** Of the role that Ticklock works with. */
  readonly connection: PoolConfig
  /** Of the owner of the tables. */
  readonly owner: PoolConfig
  readonly #place: Place
  readonly #log: Log
  #child: ChildProcess | null = null
  #control: Client | null = null
  #closing = false
  /** Why the server that we started ended by itself, for the next look. */
  #failure: FaultError | null = null
  /** Last lines of a server that ended by itself. */
  #said = ''
  #recovery: Promise<void> | null = null
  readonly #stopWaiting = new AbortController()

  constructor(place: Place, log: Log) {
    this.#place = place
    this.#log = log
    this.connection = place.connection
    this.owner = place.owner
  }

  /** Process number of the server now; 0 when there is none. */
  get pid(): number {
    return liveServer(this.#place.cluster)?.pid ?? 0
  }

  /** Resolves when the server answers us: what an earlier one left behind is taken over, waited for
   * or cleared away. OPS-07, OPS-06 or OPS-11 when it never answers. */
  async bringUp(): Promise<void> {
    const since = performance.now()
    let muteSince = since
    this.#failure = null
    while (!this.#closing) {
      const answer = await this.#connect()
      if (answer === 'ready') break
      if (this.#failure !== null) throw this.#failure
      const waited = performance.now() - since
      if (waited > (answer === 'recovering' ? RECOVERY_MS_MAX : START_MS_MAX)) {
        throw new FaultError(
          'OPS-07',
          `no answer for ${Math.round(waited / 1_000)} s ${this.#said}`,
        )
      }
      const server = liveServer(this.#place.cluster)
      if (server === null && this.#child === null) this.#spawn()
      if (server === null || answer !== 'away') muteSince = performance.now()
      if (performance.now() - muteSince > MUTE_MS_MAX) {
        await this.#stopServer('SIGINT')
        muteSince = performance.now()
      }
      await sleep(LOOK_MS)
    }
    await this.#lock()
  }

  async #connect(): Promise<'ready' | 'recovering' | 'away'> {
    const control = new Client({
      ...this.#place.owner,
      database: 'postgres',
      connectionTimeoutMillis: CONNECT_MS_MAX,
    })
    control.on('error', () => {})
    try {
      await control.connect()
      const found = await control.query('select 1 from pg_database where datname = $1', [DATABASE])
      if (found.rowCount === 0) await control.query(`create database ${DATABASE}`)
      const { worker: password } = this.#place.passwords
      await ensureWorker(control, { database: DATABASE, password })
      control.once('end', () => this.#died(control))
      this.#control = control
      return 'ready'
    } catch (error) {
      await control.end().catch(() => {})
      const code = errorCode(error)
      // 57P03: starting up, recovering or shutting down; 57P01: it was stopped while we connected.
      if (code === '57P03' || code === '57P01') return 'recovering'
      if (code === '53100') throw new FaultError('OPS-06', errorText(error))
      if (/^(28|3D)/.test(code)) throw new FaultError('OPS-07', errorText(error))
      return 'away'
    }
  }

  /** Takes the lock that keeps a second Ticklock out; a predecessor that was just killed may hold
   * it for a moment. */
  async #lock(): Promise<void> {
    const control = this.#control
    if (control === null) return
    const until = performance.now() + LOCK_MS_MAX
    while (!this.#closing) {
      const { rows } = await control.query('select pg_try_advisory_lock($1) as ours', [LOCK_KEY])
      if (rows[0]?.ours === true) return
      if (performance.now() > until) {
        await this.#release()
        throw new FaultError('OPS-11', this.#place.folder)
      }
      await sleep(LOOK_MS)
    }
  }

  #spawn(): void {
    const { cluster, folder, account, binaries, socket, connection } = this.#place
    const lock = readLockFile(cluster)
    // The pid in a stale lock file may belong to another program now: PostgreSQL would give up.
    if (lock !== null && !isServerOf(lock.pid, cluster)) rmSync(join(cluster, 'postmaster.pid'))
    const args = ['-D', cluster, '-p', String(connection.port)]
    args.push('-c', `listen_addresses=${socket === null ? connection.host : ''}`)
    args.push('-c', `unix_socket_directories=${socket ?? ''}`)
    for (const [name, value] of Object.entries(SETTINGS)) args.push('-c', `${name}=${value}`)
    const file = join(folder, 'postgres.log')
    if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES_MAX) {
      renameSync(file, `${file}.1`)
    }
    const output = openSync(file, 'a', 0o600)
    const before = statSync(file).size
    const child = spawn(binaries.postgres, args, {
      ...account,
      env: binaries.env,
      cwd: process.platform === 'win32' ? folder : '/',
      detached: true,
      stdio: ['ignore', output, output],
    })
    closeSync(output)
    child.unref()
    this.#child = child
    const gone = () => {
      // A server that had run and then died is no failed start: our connection reported its end.
      if (this.#child !== child) return
      this.#child = null
      // Nobody asks for the reason any more, and the folder may be gone too.
      if (this.#closing) return
      const said = readFileSync(file, 'utf8').slice(before).trim()
      // Processes of a killed server linger for a moment: the next look tries again.
      const lingering = /already exists|is still in use|is already in use|Address already/.test(
        said,
      )
      this.#said = said.split('\n').slice(-3).join(' | ')
      if (!lingering && this.#control === null) {
        this.#failure = new FaultError(
          said.includes('No space left') ? 'OPS-06' : 'OPS-07',
          this.#said,
        )
      }
    }
    child.on('exit', gone)
    child.on('error', gone)
  }

  /** Our own connection ended: unless we did it, the server died or was stopped. */
  #died(control: Client): void {
    if (this.#control !== control) return
    this.#control = null
    this.#child = null
    if (this.#closing) return
    this.#log('embedded PostgreSQL is gone: restarting it')
    this.#recovery ??= this.#recover().finally(() => {
      this.#recovery = null
    })
  }

  async #recover(): Promise<void> {
    for (let pause = AGAIN_MS; !this.#closing; pause = Math.min(pause * 2, AGAIN_MS_MAX)) {
      try {
        await this.bringUp()
        if (!this.#closing) this.events.emit('restarted')
        return
      } catch (error) {
        this.#log(errorText(error))
        await sleep(pause, undefined, { signal: this.#stopWaiting.signal }).catch(() => {})
      }
    }
  }

  async #release(): Promise<void> {
    const control = this.#control
    this.#control = null
    await control?.end().catch(() => {})
  }

  /** SIGINT: no new work, transactions rolled back, checkpoint. SIGQUIT: at once, recovery at the
   * next start. Resolves when the server is gone, or when it will not go. */
  async #stopServer(signal: 'SIGINT' | 'SIGQUIT'): Promise<void> {
    const { cluster, binaries, account } = this.#place
    const server = liveServer(cluster)
    if (server === null) return
    if (process.platform === 'win32') {
      spawnSync(binaries.pgCtl, ['stop', '-D', cluster, '-m', 'fast'], { ...account })
      return
    }
    try {
      process.kill(server.pid, signal)
    } catch {
      return
    }
    const until = performance.now() + STOP_MS_MAX
    while (isServerOf(server.pid, cluster) && performance.now() < until) await sleep(LOOK_MS)
    if (isServerOf(server.pid, cluster) && signal === 'SIGINT') await this.#stopServer('SIGQUIT')
  }

  /** Stops the server cleanly. Close every pool on it first: what is open then is rolled back. */
  async close(): Promise<void> {
    if (this.#closing) return
    this.#closing = true
    this.#stopWaiting.abort()
    await this.#recovery
    await this.#release()
    await this.#stopServer('SIGINT')
  }

  /** After a failed start: leaves alone what is not ours (OPS-11), ends what we began. */
  async abandon(): Promise<void> {
    this.#closing = true
    await this.#release()
    if (this.#child !== null) await this.#stopServer('SIGINT')
  }
}

/** How to reach the embedded server of `folder` when another process of ours runs it; null when
 * none runs. Changes nothing. */
export function runningPostgres(
  folder: string,
  as: 'owner' | 'worker' = 'worker',
): PoolConfig | null {
  const place = existingFolder(folder)
  const server = place === null ? null : liveServer(join(place, 'cluster'))
  if (place === null || server === null) return null
  const socket = findSocketFolder(place, databaseAccount())
  if (socket === null && process.platform !== 'win32') return null
  const { connection, owner } = connectionsOf({
    socket,
    port: server.port,
    passwords: rolePasswords(place),
  })
  return as === 'owner' ? owner : connection
}

/** Starts, or finds again, the embedded database of `folder` (made when missing). Rejects with a
 * FaultError: OPS-04, OPS-06, OPS-07, OPS-09, OPS-10, OPS-11. */
export async function startPostgres(options: {
  readonly folder: string
  readonly log: Log
}): Promise<EmbeddedPostgres> {
  const place = await prepare(options.folder, options.log)
  const server = new EmbeddedPostgres(place, options.log)
  try {
    await server.bringUp()
    return server
  } catch (error) {
    await server.abandon()
    throw error
  }
}
