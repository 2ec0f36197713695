// Some of several time servers lie by 5 s, as a forger of plain NTP would: they are out-voted.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePorts } from '../../services/adversary/scene.ts'
import { type HeadClock, keepTime, startHeadClock } from '../../services/master/core/head-clock.ts'
import { qualityAt, timeAt } from '../../shared/clock/softclock.ts'
import { openWallClock } from '../../shared/node/wall-edges.ts'
import type { RelayTask } from '../bench/clock/udp-relay.ts'
import { Follower, monoNow } from './time-follower.ts'
import { ended, ready, serverLines, startChronyd } from './time-programs.ts'

const POLLS = { min: 0, max: 0 }
const LIE_S = 5
const DELAY = { shape: 'bell', middle: 2, deviation: 0.5 } as const
const RELAY = fileURLToPath(new URL('../bench/clock/udp-relay.js', import.meta.url))
const PATIENCE_MS = 40_000

async function startRelay(t: TestContext, task: RelayTask): Promise<void> {
  const relay: ChildProcess = spawn(process.execPath, [RELAY, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => ended(relay))
  assert.ok(relay.stdout)
  await once(createInterface({ input: relay.stdout }), 'line')
}

/** So many sources through a relay, the first ones lying. */
async function upstreams(t: TestContext, count: number, liars: number): Promise<Follower[]> {
  const [server = 0, ...ports] = await freePorts(1 + count)
  const chronyd = await startChronyd({ lines: serverLines(server) })
  t.after(() => chronyd.stop())
  const paths = ports.map((port, at) => ({
    port,
    seed: at,
    delay: DELAY,
    lieSeconds: at < liars ? LIE_S : 0,
  }))
  await startRelay(t, { server, paths })
  const followers: Follower[] = []
  for (const port of ports) followers.push(await Follower.open({ port, polls: POLLS }))
  t.after(() => {
    for (const follower of followers) follower.close()
  })
  return followers
}

for (const [liars, count] of [
  [1, 3],
  [2, 5],
] as const) {
  test(`${liars} of ${count} servers lie by 5 s: marked x, CLK-10, the clock stays right`, async (t) => {
    if (!ready(t, 'chronyd')) return
    const followers = await upstreams(t, count, liars)
    const wall = openWallClock()
    t.after(() => wall.close())
    let head: HeadClock = startHeadClock(monoNow(), wall.now().at)
    const faults: string[] = []
    const agreed = (): boolean => followers.every(({ learned }) => learned >= 3)
    for (const since = performance.now(); !agreed(); await sleep(50)) {
      assert.ok(performance.now() - since < PATIENCE_MS, 'all of them answer')
      const sources = followers.map(({ association }, at) => {
        const name = at < liars ? `liar ${at}` : `honest ${at}`
        return { name, kind: 'ntp', refid: at + 1, association, note: '' } as const
      })
      const kept = keepTime(head, sources, monoNow(), true)
      head = kept.head
      faults.push(...kept.faults.map(({ code, detail }) => `${code} ${detail}`))
      const now = monoNow()
      const { state, bound } = qualityAt(head.clock, now)
      const error = timeAt(head.clock, now) - wall.at(now).at
      if (state !== 'U') assert.ok(Math.abs(error) <= bound + 2, `${error} us, bound ${bound}`)
    }
    assert.equal(head.selection?.is, 'agreed')
    const marks = head.selection.marks.join('')
    assert.match(marks, new RegExp(`^x{${liars}}[*+-]{${count - liars}}$`))
    assert.match(marks, /\*/)
    const told = faults.filter((fault) => fault.startsWith('CLK-10'))
    const names = Array.from({ length: liars }, (_, at) => `CLK-10 liar ${at}`)
    assert.deepEqual(told.sort(), names)
    assert.equal(qualityAt(head.clock, monoNow()).state, 'S')
  })
}
