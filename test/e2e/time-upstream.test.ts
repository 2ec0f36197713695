// One source of time over real sockets: which of a name's addresses is asked, and from which port.

import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { serveNtp } from '../../services/master/shell/time/ntp-socket.ts'
import { Upstream } from '../../services/master/shell/time/upstream.ts'
import { KNOWS_NOTHING } from '../../shared/clock/estimate/estimator.ts'
import { POLLS } from '../../shared/clock/ntp/association.ts'
import { refidOf } from '../../shared/clock/ntp/packet.ts'
import type { ServedClock } from '../../shared/clock/ntp/server.ts'
import { systemClock } from '../../shared/node/system-clock.ts'
import { type MonoUs, shiftMono, spanUs, unixUs } from '../../shared/units.ts'

const SECOND = 1_000_000

/** A source for which a second passes every few milliseconds. */
class Hurried {
  learned = 0
  #ahead = 0
  readonly upstream: Upstream

  constructor(t: TestContext, port: number, addresses: readonly string[]) {
    this.upstream = new Upstream({
      source: { name: 'a', kind: 'ntp', host: 'time.example', port },
      polls: POLLS,
      estimator: KNOWS_NOTHING,
      authorities: [],
      mono: () => this.#mono(),
      addressesOf: () => Promise.resolve(addresses),
      ours: () => new Set(),
      onLearned: () => {
        this.learned += 1
      },
      onFault: () => {},
    })
    t.after(() => this.upstream.close())
  }

  #mono(): MonoUs {
    return shiftMono(systemClock.mono(), spanUs(this.#ahead))
  }

  /** Lives for `seconds`, or until something is learned. */
  async live(seconds: number): Promise<void> {
    const until = this.#ahead + seconds * SECOND
    while (this.#ahead < until && this.learned === 0) {
      this.upstream.tick(this.#mono())
      await sleep(4)
      this.#ahead += SECOND
    }
  }
}

test('a name with several addresses: when one is silent, the next is asked', async (t) => {
  const served: ServedClock = {
    leap: 0,
    stratum: 1,
    refid: refidOf('GPS'),
    rootDelay: spanUs(0),
    rootDispersion: spanUs(10),
    reference: unixUs(Date.now() * 1_000 - SECOND),
  }
  const verdict = await serveNtp({
    host: '127.0.0.4',
    port: 0,
    mono: systemClock.mono,
    timeAt: () => systemClock.wall(),
    served: () => served,
  })
  assert.ok(verdict.ok)
  t.after(() => verdict.server.close())
  // There is no route to the second one, and nobody at the first and the third.
  const addresses = ['127.0.0.2', '255.255.255.255', '127.0.0.3', '127.0.0.4']
  const hurried = new Hurried(t, verdict.server.port, addresses)
  await hurried.live(400)
  assert.equal(hurried.learned, 1)
})

test('a silent server is asked from another port, and so from our current address', async (t) => {
  const silent = createSocket('udp4')
  t.after(() => silent.close())
  silent.bind(0, '127.0.0.1')
  await once(silent, 'listening')
  const ports = new Set<number>()
  silent.on('message', (_question, { port }) => ports.add(port))
  const hurried = new Hurried(t, silent.address().port, ['127.0.0.1'])
  await hurried.live(700)
  assert.ok(ports.size >= 2, `${ports.size}`)
  assert.equal(hurried.upstream.association?.silent, true)
})
