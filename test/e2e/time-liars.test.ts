// Some of several time servers lie by 5 s, as a forger of plain NTP would: they are outvoted.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePorts } from './ports.ts'
import { HeadTime } from '../../services/master/shell/time/head-time.ts'
import type { HeadClockReport } from '../../shared/clock/evidence.ts'
import { openWallClock } from '../../shared/node/wall-edges.ts'
import type { RelayTask } from './udp-relay.ts'
import { ended, ready, serverLines, startChronyd } from './time-programs.ts'

const HOST = '127.0.0.1'
/** One question a second: a test cannot wait longer. */
const POLLS = { min: 0, max: 0 }
const LIE_S = 5
/** How long this thread may be held up between reading the two clocks, microseconds. */
const READ_US = 20_000
const DELAY = { shape: 'bell', middle: 2, deviation: 0.5 } as const
const RELAY = fileURLToPath(new URL('./udp-relay.js', import.meta.url))
const PATIENCE_MS = 40_000
/** Each server's second answer comes after 2.5 s. */
const WATCHED_MS = 4_000

async function startRelay(t: TestContext, task: RelayTask): Promise<void> {
  const relay: ChildProcess = spawn(process.execPath, [RELAY, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => ended(relay))
  assert.ok(relay.stdout)
  await once(createInterface({ input: relay.stdout }), 'line')
}

/** `count` sources through a relay; the first `liars` of them lie. */
async function upstreams(t: TestContext, count: number, liars: number) {
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
  return ports.map((port, at) => {
    const name = at < liars ? `liar ${at}` : `honest ${at}`
    return { name, kind: 'ntp', host: HOST, port } as const
  })
}

// At once: each has programs of its own, and mostly waits.
void describe('servers that lie', { concurrency: true }, () => {
  for (const [liars, count] of [
    [1, 3],
    [2, 5],
  ] as const) {
    test(`${liars} of ${count} servers lie by 5 s: marked x, CLK-10, the clock stays right`, async (t) => {
      if (!ready(t, 'chronyd')) return
      const sources = await upstreams(t, count, liars)
      const faults: string[] = []
      const reports: HeadClockReport[] = []
      const time = await HeadTime.open(
        { ntp: null, sources, systemBound: null, polls: POLLS },
        {
          onReport: (report) => reports.push(report),
          onFault: (code, detail) => faults.push(`${code} ${detail}`),
        },
      )
      t.after(() => time.close())
      const wall = openWallClock()
      t.after(() => wall.close())
      const marks = (): string => (reports.at(-1)?.sources ?? []).map(({ mark }) => mark).join('')
      const expected = new RegExp(`^x{${liars}}[*+-]{${count - liars}}$`)
      const since = performance.now()
      const elapsedMs = (): number => performance.now() - since
      for (; elapsedMs() < WATCHED_MS || !expected.test(marks()); await sleep(20)) {
        assert.ok(elapsedMs() < PATIENCE_MS, `marks ${marks()}`)
        const { at, bound } = time.now()
        const error = at - wall.now().at
        if (bound !== null) assert.ok(Math.abs(error) <= bound + READ_US, `${error} us, ${bound}`)
      }
      assert.match(marks(), /\*/)
      const told = faults.filter((fault) => fault.startsWith('CLK-10'))
      const names = Array.from({ length: liars }, (_, at) => `CLK-10 liar ${at}`)
      assert.deepEqual(told.sort(), names)
      assert.equal(reports.at(-1)?.state, 'S')
    })
  }
})
