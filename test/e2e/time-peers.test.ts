// Our NTP client follows chronyd, plain and by NTS. Both read the same system clock, so what the
// client believes to be between them is its error.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { after, before, describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePorts } from './ports.ts'
import { HeadTime } from '../../services/master/shell/time/head-time.ts'
import type { HeadClockReport } from '../../shared/clock/evidence.ts'
import { systemClock } from '../../shared/node/system-clock.ts'
import { Follower, type Following } from './time-follower.ts'
import {
  type Certificates,
  type Chronyd,
  ENVIRONMENT,
  makeCertificates,
  missing,
  ntsLines,
  privateFolder,
  ready,
  serverLines,
  startChronyd,
} from './time-programs.ts'

const HOST = '127.0.0.1'
/** An exchange on loopback takes some 0.2 ms, on a busy machine a hundred times that. */
const BOUND_US_MAX = 50_000
/** Allowed between reading the two clocks; the system's is read to the millisecond. */
const READ_US = 20_000
const PATIENCE_MS = 40_000
/** Five or six questions go unanswered; a client has eight cookies. */
const PAUSE_MS = 6_500

async function until(what: string, done: () => boolean): Promise<void> {
  for (const since = performance.now(); !done(); await sleep(50)) {
    assert.ok(performance.now() - since < PATIENCE_MS, `waited in vain for: ${what}`)
  }
}

function follow(t: TestContext, following: Following): Follower {
  const follower = new Follower(following)
  t.after(() => follower.close())
  return follower
}

/** The error is within the bound, and the bound is what an exchange on loopback allows. */
function assertRight(follower: Follower): void {
  const [error, estimate] = [follower.errorUs(), follower.estimate()]
  assert.ok(error !== null && estimate !== null)
  assert.ok(Math.abs(error) <= estimate.bound + 2, `${error} us, bound ${estimate.bound}`)
  assert.ok(estimate.bound < BOUND_US_MAX, `bound ${estimate.bound} us`)
}

/** What chronyd counted: key establishments, and authentic NTP questions. */
async function ntsCounts({ socket }: Chronyd): Promise<readonly [number, number]> {
  const words = ['-h', socket, '-c', 'serverstats']
  const { stdout } = await promisify(execFile)('chronyc', words, { env: ENVIRONMENT })
  const counts = stdout.trim().split(',').map(Number)
  return [counts[5] ?? Number.NaN, counts[7] ?? Number.NaN]
}

const folder = privateFolder()
after(() => rmSync(folder, { recursive: true, force: true }))
let files: Certificates

// At once, since they mostly wait. Whatever blocks this thread is done first: each test measures.
void describe('our client and chronyd', { concurrency: true }, () => {
  before(() => {
    if (missing('openssl') === null) files = makeCertificates(folder, 'DNS:localhost,IP:127.0.0.1')
  })

  test('follows chronyd; chronyd ends, the bound grows; it is back, and so are we', async (t) => {
    if (!ready(t, 'chronyd')) return
    const [port = 0] = await freePorts(1)
    let chronyd = await startChronyd({ lines: serverLines(port) })
    t.after(() => chronyd.stop())
    const follower = follow(t, { port })
    await until('four answers', () => follower.learned >= 4)
    assertRight(follower)
    assert.equal(follower.association?.server?.stratum, 1)

    await chronyd.stop()
    const boundBefore = follower.estimate()?.bound ?? 0
    const learnedBefore = follower.learned
    await until('CLK-12', () => follower.faults.includes('CLK-12'))
    assert.equal(follower.association?.reach, 0)
    assert.equal(follower.learned, learnedBefore)
    const [held, error] = [follower.estimate(), follower.errorUs()]
    assert.ok(held !== null && error !== null && held.bound > boundBefore)
    assert.ok(Math.abs(error) <= held.bound + 2)

    chronyd = await startChronyd({ lines: serverLines(port) })
    await until('answers again', () => follower.learned >= learnedBefore + 2)
    assert.notEqual(follower.association?.reach, 0)
    assertRight(follower)
  })

  test('follows chronyd by NTS: more polls than cookies, answers lost; new keys after a NAK', async (t) => {
    if (!ready(t, 'chronyd', 'chronyc', 'openssl')) return
    const [port = 0, ke = 0] = await freePorts(2)
    const lines = [...serverLines(port), ...ntsLines(ke, files)]
    let chronyd = await startChronyd({ lines })
    t.after(() => chronyd.stop())
    const authorities = [readFileSync(files.authority, 'utf8')]
    const follower = follow(t, { kind: 'nts', port: ke, authorities })
    // Twice, five or six cookies are spent in vain: the next answer replaces them.
    for (const answers of [4, 6, 8]) {
      await until(`${answers} answers`, () => follower.learned >= answers)
      assertRight(follower)
      if (answers < 8) await chronyd.pause(PAUSE_MS)
    }
    const [establishments, authentic] = await ntsCounts(chronyd)
    assert.equal(establishments, 1)
    assert.ok(authentic >= 13, `${authentic} questions`)
    assert.deepEqual(new Set(follower.faults), new Set(['CLK-04']))

    // Restarted without its keys, the server does not recognise the cookies.
    await chronyd.stop()
    chronyd = await startChronyd({ lines })
    const learnedBefore = follower.learned
    await until('answers under new keys', () => follower.learned >= learnedBefore + 2)
    assert.equal((await ntsCounts(chronyd))[0], 1)
    assertRight(follower)
  })

  test("the head-end's clock thread follows by NTS", async (t) => {
    if (!ready(t, 'chronyd', 'openssl')) return
    const [port = 0, ke = 0] = await freePorts(2)
    const chronyd = await startChronyd({ lines: [...serverLines(port), ...ntsLines(ke, files)] })
    t.after(() => chronyd.stop())
    const reports: HeadClockReport[] = []
    const time = await HeadTime.open(
      {
        ntp: null,
        sources: [{ name: 'by NTS', kind: 'nts', host: HOST, port: ke }],
        systemBound: null,
        authorities: [files.authorityText],
        polls: { min: 0, max: 0 },
      },
      { onReport: (report) => reports.push(report), onFault: () => {} },
    )
    t.after(() => time.close())
    await until('synchronised', () => reports.at(-1)?.state === 'S')
    const { at, bound } = time.now()
    const error = at - systemClock.wall()
    assert.ok(bound !== null && bound < BOUND_US_MAX)
    assert.ok(Math.abs(error) <= bound + READ_US, `${error} us, bound ${bound}`)
    const [source] = reports.at(-1)?.sources ?? []
    assert.deepEqual([source?.kind, source?.mark], ['nts', '*'])
  })

  test('without keys nothing is asked, least of all in plain (CLK-13)', async (t) => {
    if (!ready(t, 'chronyd', 'chronyc', 'openssl')) return
    const [port = 0, ke = 0] = await freePorts(2)
    const chronyd = await startChronyd({ lines: [...serverLines(port), ...ntsLines(ke, files)] })
    t.after(() => chronyd.stop())
    const follower = follow(t, { kind: 'nts', port: ke })
    const failures = (): number => follower.faults.filter((code) => code === 'CLK-13').length
    await until('two failures', () => failures() > 1)
    assert.equal(follower.errorUs(), null)
    assert.deepEqual(follower.association?.open, null)
  })
})
