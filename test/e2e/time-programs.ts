// Other people's time programs, for the live tests: chronyd and the clients of NTPsec, on loopback
// or in a network namespace, never touching the system's clock.

import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

/** The Debian package each program comes in. */
const PACKAGES = {
  chronyd: 'chrony',
  chronyc: 'chrony',
  ntpdig: 'ntpsec-ntpdig',
  ntpdate: 'ntpsec-ntpdate',
  openssl: 'openssl',
  ip: 'iproute2',
  nginx: 'nginx',
  caddy: 'caddy',
} as const
type Program = keyof typeof PACKAGES

/** System programs are not on every user's path. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`
export const ENVIRONMENT = { ...process.env, PATH }

/** Why these programs cannot be run; null when they can. */
export function missing(...programs: readonly Program[]): string | null {
  const has = (program: Program): boolean =>
    spawnSync('sh', ['-c', `command -v ${program}`], { env: ENVIRONMENT }).status === 0
  const lacking = programs.filter((program) => !has(program))
  const packages = new Set(lacking.map((program) => PACKAGES[program]))
  return lacking.length === 0
    ? null
    : `${lacking.join(', ')} not installed (Debian: ${[...packages].join(' ')})`
}

/** False, the test skipped, when a program is not there; a failure where peers are required. */
export function ready(t: TestContext, ...programs: readonly Program[]): boolean {
  const why = missing(...programs)
  if (why === null) return true
  assert.notEqual(process.env['REQUIRE_PEERS'], '1', why)
  t.skip(why)
  return false
}

/** A folder only we may enter, as chronyd asks for its socket. */
export function privateFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ticklock-time-'))
  chmodSync(folder, 0o700)
  return folder
}

export interface Chronyd {
  /** Path of its command socket, for chronyc. */
  readonly socket: string
  log(): string
  /** Stops answering for `ms`; questions from meanwhile are answered too late. */
  pause(ms: number): Promise<void>
  /** Rejects when it had ended before. */
  stop(): Promise<void>
}

export interface ChronydSetup {
  /** Lines of its configuration besides those for folder and user. */
  readonly lines: readonly string[]
  /** Run in this network namespace. */
  readonly namespace?: string | null
}

/** Longest chronyd may take to start, milliseconds; it takes 0.1 s. */
const START_MS_MAX = 10_000

/** Starts chronyd, which leaves the system's clock alone (-x); resolves when it runs. */
export async function startChronyd({ lines, namespace }: ChronydSetup): Promise<Chronyd> {
  const folder = privateFolder()
  const socket = join(folder, 'chronyd.sock')
  const config = [
    `pidfile ${join(folder, 'pid')}`,
    `bindcmdaddress ${socket}`,
    'cmdport 0',
    // The owner of the folder.
    `user ${userInfo().username}`,
    ...lines,
  ]
  const file = join(folder, 'chrony.conf')
  writeFileSync(file, `${config.join('\n')}\n`)
  const words = [...inNamespace(namespace ?? null), 'chronyd', '-x', '-U', '-d', '-f', file]
  const [program = '', ...more] = words
  const child = spawn(program, more, { stdio: ['ignore', 'ignore', 'pipe'], env: ENVIRONMENT })
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString()
  })
  const stop = async (): Promise<void> => {
    await ended(child)
    rmSync(folder, { recursive: true, force: true })
  }
  for (const since = performance.now(); !/Disabled control of system clock/.test(log); ) {
    if (child.exitCode !== null || performance.now() - since > START_MS_MAX) {
      await stop()
      assert.fail(`chronyd does not start: ${log}`)
    }
    await sleep(20)
  }
  // Its sockets are open by now, or will be within moments.
  await sleep(100)
  const pause = async (ms: number): Promise<void> => {
    child.kill('SIGSTOP')
    await sleep(ms)
    child.kill('SIGCONT')
  }
  return { socket, log: () => log, pause, stop }
}

/** The words that make a command run in a namespace; none without one. */
export const inNamespace = (namespace: string | null): readonly string[] =>
  namespace === null ? [] : ['ip', 'netns', 'exec', namespace]

/** Ends a child of ours and waits until it is gone. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await exit
}

export interface Namespace {
  readonly name: string
  close(): void
}

/** A network of our own with loopback up, in which every port is free and nothing else hears us; or
 * the reason why there is none. */
export function openNamespace(): Namespace | string {
  const why = missing('ip')
  if (why !== null) return why
  const name = `ticklock-${process.pid}-${randomBytes(2).toString('hex')}`
  const ip = (...words: readonly string[]): string | null => {
    const { status, stderr } = spawnSync('ip', words, { env: ENVIRONMENT, encoding: 'utf8' })
    return status === 0 ? null : stderr.trim()
  }
  const close = (): void => {
    process.off('SIGINT', interrupted)
    process.off('exit', close)
    ip('netns', 'delete', name)
  }
  // Otherwise it would outlive us. The exit also runs the other handler.
  const interrupted = (): never => process.exit(130)
  process.once('SIGINT', interrupted)
  process.once('exit', close)
  const refused = ip('netns', 'add', name)
  if (refused !== null) return `no network namespace for us: ${refused}`
  const down = ip('-n', name, 'link', 'set', 'lo', 'up')
  if (down === null) return { name, close }
  close()
  return `no loopback in a network namespace: ${down}`
}

export interface Certificates {
  readonly authority: string
  readonly key: string
  readonly certificate: string
  /** PEM of the authority. */
  readonly authorityText: string
}

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

/** An authority of our own, and a certificate from it for `names` (as in subjectAltName) that is
 * valid for `days`; -1: it expired yesterday. */
export function makeCertificates(folder: string, names: string, days = 2): Certificates {
  const at = (name: string): string => join(folder, name)
  const openssl = (...words: readonly string[]): void => {
    execFileSync('openssl', words, { stdio: 'ignore', env: ENVIRONMENT })
  }
  const [authority, authorityKey] = [at('authority.pem'), at('authority.key')]
  const [certificate, key, request] = [at('server.pem'), at('server.key'), at('server.csr')]
  const ca = ['req', '-x509', ...EC, '-keyout', authorityKey, '-out', authority, '-days', '2']
  openssl(...ca, '-subj', '/CN=Authority of a test')
  openssl('req', ...EC, '-keyout', key, '-out', request, '-subj', '/CN=time')
  writeFileSync(at('names'), `subjectAltName=${names}\n`)
  const signing = ['x509', '-req', '-in', request, '-CA', authority, '-CAkey', authorityKey]
  const made = ['-CAcreateserial', '-out', certificate, '-days', String(days)]
  openssl(...signing, ...made, '-extfile', at('names'))
  return { authority, key, certificate, authorityText: readFileSync(authority, 'utf8') }
}

/** Lines that make chronyd serve NTS on loopback. */
export const ntsLines = (port: number, { key, certificate }: Certificates): readonly string[] => [
  `ntsserverkey ${key}`,
  `ntsservercert ${certificate}`,
  `ntsport ${port}`,
  'ntsprocesses 0',
]

/** Lines of a plain server on loopback that claims to be right. */
export const serverLines = (port: number): readonly string[] => [
  `port ${port}`,
  'bindaddress 127.0.0.1',
  'local stratum 1',
  'allow 127.0.0.0/8',
]
