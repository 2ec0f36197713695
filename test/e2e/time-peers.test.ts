// Our NTP client follows chronyd, plain and by NTS. Both read the same system clock, so what the
// client believes to be between them is its error.

import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from '../../services/adversary/scene.ts'
import { readPacket } from '../../shared/clock/ntp/packet.ts'
import { FIELD } from '../../shared/clock/nts/fields.ts'
import { toHex } from '../../shared/bytes.ts'
import { Follower, type Following } from './time-follower.ts'
import {
  type Certificates,
  makeCertificates,
  ntsLines,
  privateFolder,
  ready,
  serverLines,
  startChronyd,
} from './time-programs.ts'

const HOST = '127.0.0.1'
/** Asked each second: a test has no time for more patience. */
const POLLS = { min: 0, max: 0 }
/** An exchange on loopback takes some 0.2 ms, on a busy machine a hundred times that. */
const BOUND_US_MAX = 50_000
const PATIENCE_MS = 40_000

async function until(what: string, done: () => boolean): Promise<void> {
  for (const since = performance.now(); !done(); await sleep(50)) {
    assert.ok(performance.now() - since < PATIENCE_MS, `waited in vain: ${what}`)
  }
}

async function follow(t: TestContext, following: Following): Promise<Follower> {
  const follower = await Follower.open({ polls: POLLS, ...following })
  t.after(() => follower.close())
  return follower
}

/** The error is inside the bound, and the bound is what an exchange on loopback leaves. */
function assertRight(follower: Follower): void {
  const [error, estimate] = [follower.errorUs(), follower.estimate()]
  assert.ok(error !== null && estimate !== null)
  assert.ok(Math.abs(error) <= estimate.bound + 2, `${error} us, bound ${estimate.bound}`)
  assert.ok(estimate.bound < BOUND_US_MAX, `bound ${estimate.bound} us`)
}

/** Cookies in the requests sent so far. */
const cookiesSent = ({ sent }: Follower): readonly string[] =>
  sent.flatMap((datagram) => {
    const read = readPacket(datagram)
    assert.ok(read.ok)
    const cookies = read.packet.fields.filter(({ type }) => type === FIELD.cookie)
    return cookies.map(({ body }) => toHex(body))
  })

test('follows chronyd; chronyd ends, the bound grows; it is back, and so are we', async (t) => {
  if (!ready(t, 'chronyd')) return
  const [port = 0] = await freePorts(1)
  let chronyd = await startChronyd({ lines: serverLines(port) })
  t.after(() => chronyd.stop())
  const follower = await follow(t, { port })
  await until('four answers', () => follower.learned >= 4)
  assertRight(follower)
  assert.equal(follower.association.server?.stratum, 1)
  assert.equal(cookiesSent(follower).length, 0)

  await chronyd.stop()
  const boundBefore = follower.estimate()?.bound ?? 0
  const learnedBefore = follower.learned
  await until('CLK-12', () => follower.reports.includes('CLK-12'))
  assert.equal(follower.association.reach, 0)
  assert.equal(follower.learned, learnedBefore)
  const [held, error] = [follower.estimate(), follower.errorUs()]
  assert.ok(held !== null && error !== null && held.bound > boundBefore)
  assert.ok(Math.abs(error) <= held.bound + 2)

  chronyd = await startChronyd({ lines: serverLines(port) })
  await until('answers again', () => follower.learned >= learnedBefore + 2)
  assert.notEqual(follower.association.reach, 0)
  assertRight(follower)
})

const certificates = (t: TestContext): Certificates => {
  const folder = privateFolder()
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return makeCertificates(folder, 'DNS:localhost,IP:127.0.0.1')
}

test('follows chronyd by NTS: twelve polls, no cookie twice; new keys after a NAK', async (t) => {
  if (!ready(t, 'chronyd', 'openssl')) return
  const files = certificates(t)
  const [port = 0, ke = 0] = await freePorts(2)
  const lines = [...serverLines(port), ...ntsLines(ke, files)]
  let chronyd = await startChronyd({ lines })
  t.after(() => chronyd.stop())
  const authorities = [readFileSync(files.authority, 'utf8')]
  const follower = await follow(t, { port, nts: { host: HOST, port: ke, authorities } })
  await until('twelve answers', () => follower.learned >= 12)
  assertRight(follower)
  assert.equal(follower.establishments, 1)
  assert.deepEqual(follower.reports, [])
  const cookies = cookiesSent(follower)
  assert.equal(cookies.length, follower.sent.length)
  assert.equal(new Set(cookies).size, cookies.length)

  // Started anew without its keys, the server does not know the cookies.
  await chronyd.stop()
  chronyd = await startChronyd({ lines })
  const learnedBefore = follower.learned
  await until('answers under new keys', () => follower.learned >= learnedBefore + 2)
  assert.ok(follower.establishments >= 2)
  assertRight(follower)
})

test('without keys nothing is asked, in plain least of all (CLK-13)', async (t) => {
  if (!ready(t, 'chronyd', 'openssl')) return
  const files = certificates(t)
  const [port = 0, ke = 0] = await freePorts(2)
  const chronyd = await startChronyd({ lines: [...serverLines(port), ...ntsLines(ke, files)] })
  t.after(() => chronyd.stop())
  const follower = await follow(t, { port, nts: { host: HOST, port: ke, authorities: [] } })
  await until('two failures', () => follower.reports.filter((code) => code === 'CLK-13').length > 1)
  assert.equal(follower.sent.length, 0)
  assert.equal(follower.errorUs(), null)
})
