// Other people's clients ask our NTP server. Both sides read one system clock, so the offset they
// print is the error of the network and the stamps alone.

import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import {
  ended,
  ENVIRONMENT,
  inNamespace,
  openNamespace,
  privateFolder,
  ready,
  startChronyd,
} from './time-programs.ts'

const run = promisify(execFile)
const SERVER = fileURLToPath(new URL('./time-server.js', import.meta.url))
const HOST = '127.0.0.1'
/** Stamps on a quiet machine are 0.05 ms late, on a busy one a hundred times that. */
const OFFSET_S_MAX = 0.05
const PATIENCE_MS = 40_000

/** Our server in a network namespace of its own, on port 123; null, and the test skipped, without
 * one. Only root may make it, and a container may forbid it even to root: there it is a failure
 * when REQUIRE_PEERS is set. */
async function serve(t: TestContext): Promise<string | null> {
  const namespace = openNamespace()
  if (typeof namespace === 'string') {
    const required = process.env['REQUIRE_PEERS'] === '1' && process.getuid?.() === 0
    assert.ok(!required, namespace)
    t.skip(process.getuid?.() === 0 ? namespace : `${namespace} (not root)`)
    return null
  }
  t.after(() => namespace.close())
  const words = [...inNamespace(namespace.name).slice(1), process.execPath, SERVER]
  const server = spawn('ip', words, { stdio: ['ignore', 'pipe', 'inherit'], env: ENVIRONMENT })
  t.after(() => ended(server))
  await once(createInterface({ input: server.stdout }), 'line')
  return namespace.name
}

/** What a client prints to stdout and stderr. */
async function ask(namespace: string, ...words: readonly string[]): Promise<string> {
  const [program = '', ...more] = [...inNamespace(namespace), ...words]
  const { stdout, stderr } = await run(program, more, { env: ENVIRONMENT })
  return stdout + stderr
}

function assertNear(printed: string, offset: RegExp): void {
  const [, seconds] = offset.exec(printed) ?? []
  assert.ok(seconds !== undefined, `no offset in: ${printed}`)
  assert.ok(Math.abs(Number(seconds)) < OFFSET_S_MAX, printed)
}

// At once: each has programs of its own, and mostly waits.
void describe('other people’s clients and our server', { concurrency: true }, () => {
  test('ntpdig and ntpdate accept our server (NTPsec)', async (t) => {
    if (!ready(t, 'ip', 'ntpdig', 'ntpdate')) return
    const namespace = await serve(t)
    if (namespace === null) return
    const dig = JSON.parse(await ask(namespace, 'ntpdig', '-j', HOST))
    // Stratum 10: only this machine's operator vouches for its clock.
    assert.deepEqual([dig.stratum, dig.leap], [10, 'no-leap'])
    assert.ok(Math.abs(dig.offset) < OFFSET_S_MAX, JSON.stringify(dig))
    assertNear(await ask(namespace, 'ntpdate', '-q', HOST), /([+-]\d+\.\d+) \+\/- /)
  })

  test('chronyd -Q accepts our server', async (t) => {
    if (!ready(t, 'ip', 'chronyd')) return
    const namespace = await serve(t)
    if (namespace === null) return
    const folder = privateFolder()
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const own = ['cmdport 0', 'bindcmdaddress /', `pidfile ${join(folder, 'pid')}`, 'user root']
    const source = `server ${HOST} iburst maxsamples 4`
    const printed = await ask(namespace, 'chronyd', '-Q', '-U', '-t', '20', source, ...own)
    assertNear(printed, /System clock wrong by (-?\d+\.\d+) seconds/)
  })

  test('chronyd, asking 32 times a second, is told RATE and understands it (RFC 5905 7.4)', async (t) => {
    if (!ready(t, 'ip', 'chronyd')) return
    const namespace = await serve(t)
    if (namespace === null) return
    const lines = ['port 0', `server ${HOST} minpoll -5 maxpoll -5`]
    const client = await startChronyd({ lines, namespace })
    t.after(() => client.stop())
    const since = performance.now()
    for (; !/Received KoD RATE/.test(client.log()); await sleep(100)) {
      assert.ok(performance.now() - since < PATIENCE_MS, client.log())
    }
    // A client's first questions pass: a burst of 128 is answered.
    assert.ok(performance.now() - since > 1_000)
  })
})
