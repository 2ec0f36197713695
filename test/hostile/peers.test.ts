// A peer that holds every key and says anything: a master to a slave, a device to the master. It
// may lie, but no word of it may reach an assertion or throw: a process that ends at a message ends
// again at every start.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { startAgent } from '../../services/slave/core/agent.ts'
import { controlBody } from '../../services/slave/core/control.ts'
import type { AgentEvent } from '../../services/slave/core/state/events.ts'
import { concat, Writer } from '../../shared/bytes.ts'
import { ACTIVE_IMPORT_TOTAL } from '../../shared/meter/obis.ts'
import { nodeRandom, nodeSuite } from '../../shared/node/node-suite.ts'
import { certifierOf } from '../../shared/tves/certificate.ts'
import {
  ControlChannel,
  epochId,
  SESSION_PATTERN,
  sessionPrologue,
} from '../../shared/tves/handshake.ts'
import { startHandshake } from '../../shared/tves/noise.ts'
import { sealFrame } from '../../shared/tves/seal.ts'
import { leafAt, plantTree, runIv } from '../../shared/tves/tree.ts'
import { monoUs, second, spanMs, spanUs, unixUs } from '../../shared/units.ts'
import { type ControlMessage, encodeControl } from '../../shared/wire/control.ts'
import { readMessage, sessionAnswer } from '../../shared/wire/message.ts'
import { controls } from '../property/arbitraries.ts'
import { Disk } from '../sim/disk.ts'
import { SMALL_ORDER } from '../unit/pairs/small-order.ts'
import { keyPair, SessionPair } from '../unit/pairs/session-pair.ts'

const DEVICE = Uint8Array.fromHex('00112233aabbccdd')
/** 2027-01-15T08:00:00Z. */
const START_US = 1_800_000_000_000_000
const U53 = Number.MAX_SAFE_INTEGER

/** What the payload of step 2 says, beyond what its types hold. */
interface Offer {
  readonly t2: number
  readonly t3: number
  readonly bound: number
  readonly tolerance: number
  readonly historyFrom: number
  readonly origin: number | null
}

const usual: Offer = {
  t2: START_US,
  t3: START_US,
  bound: 1_000,
  tolerance: 10,
  historyFrom: 0,
  origin: START_US / 1_000,
}

function payloadOf({ t2, t3, bound, tolerance, historyFrom, origin }: Offer): Uint8Array {
  const writer = new Writer().bytes(DEVICE).u64(t2).u64(t3).u32(bound).u8(tolerance)
  writer.u48(historyFrom).u8(origin === null ? 0 : 1)
  return (origin === null ? writer : writer.u64(origin)).done()
}

/** A slave with meters, whose master is whatever the test says. */
class Victim {
  readonly disk = new Disk(100_000)
  readonly #masters = keyPair()
  readonly #own = keyPair()
  readonly #psk = nodeRandom(32)
  #mono = 1_000
  #agent
  #channel: ControlChannel | null = null
  /** The epoch that step 2 offered; 0: none. */
  #offered = 0
  #queue: AgentEvent[] = []
  /** Id of the last CLOCK REQUEST. */
  asked: Uint8Array | null = null

  constructor() {
    const { privateKey: staticKey } = this.#own
    const masterKey = this.#masters.publicKey
    this.disk.commit({
      identity: { staticKey, attempt: 1, masterKey, psk: this.#psk, device: DEVICE },
    })
    this.#agent = this.#start()
  }

  restart(): void {
    this.#agent = this.#start()
  }

  /** A link, the handshake with this offer, and CONFIRM. */
  call(offer: Offer): void {
    this.#channel = null
    this.#post({ on: 'link-down' })
    this.#post({ on: 'link-up' }, (body) => this.#answer(body, payloadOf(offer)))
  }

  /** COMMITTED, as an honest master says it of a slave that it knows nothing of. */
  commit(): void {
    this.say({ is: 'committed', epoch: this.#offered, runs: [] })
  }

  say(message: ControlMessage): void {
    if (this.#channel !== null) {
      this.#post({ on: 'body', body: this.#channel.seal(encodeControl(message)) })
    }
  }

  sayBytes(plaintext: Uint8Array): void {
    if (this.#channel !== null) {
      this.#post({ on: 'body', body: this.#channel.seal(plaintext) })
    }
  }

  pass(us: number): void {
    this.#mono += us
    this.#post({ on: 'tick' })
  }

  read(value: number): void {
    const reading = {
      meter: 'M-1',
      register: ACTIVE_IMPORT_TOTAL,
      value,
      exponent: 0,
      unit: 30,
      source: 'live',
      meterTime: null,
      checked: true,
    } as const
    const asked = { meter: 'M-1', request: 'now', more: false } as const
    this.#post({ on: 'readings', ...asked, at: monoUs(this.#mono), readings: [reading] })
  }

  #start() {
    return startAgent({
      suite: nodeSuite,
      random: nodeRandom,
      stored: this.disk.load(),
      token: null,
      meters: [
        {
          meter: 'M-1',
          everyMs: 5_000,
          push: false,
          history: true,
          profileIntervalMs: spanMs(900_000),
          clock: { keep: 'light', zone: spanUs(0) },
        },
      ],
      wall: unixUs(START_US + this.#mono),
      mono: monoUs(this.#mono),
    })
  }

  #answer(hello: Uint8Array, payload: Uint8Array): void {
    const verdict = readMessage(hello)
    if (!verdict.ok || verdict.message.is !== 'session' || verdict.message.step !== 1) return
    const { suite, noise: message } = verdict.message
    const noise = startHandshake({
      suite: nodeSuite,
      pattern: SESSION_PATTERN[suite],
      initiator: false,
      prologue: sessionPrologue(suite),
      staticKey: this.#masters,
      psk: this.#psk,
      ephemeral: nodeRandom(32),
    })
    // It calls under a key that was announced before, of which we hold only the public half.
    if (noise.read(message) === null) return
    const answer = noise.write(payload)
    assert.ok(answer !== null)
    const result = noise.finish()
    this.#offered = payload.length > 36 ? epochId(result.transcript) : 0
    const certifier = certifierOf({
      suite: nodeSuite,
      side: 'master',
      device: DEVICE,
      privateKey: this.#masters.privateKey,
      peer: this.#own.publicKey,
      masterKey: this.#masters.publicKey,
      slaveKey: this.#own.publicKey,
    })
    this.#channel = new ControlChannel(result, certifier)
    this.#queue.push({ on: 'body', body: sessionAnswer(suite, answer) })
  }

  #post(event: AgentEvent, take: (body: Uint8Array) => void = (body) => this.#hear(body)): void {
    this.#queue.push(event)
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      for (const action of this.#agent.step(next, monoUs(this.#mono))) {
        if (action.do === 'send') take(action.body)
        if (action.do === 'drop') this.#channel = null
        if (action.do === 'fetch') {
          const found = this.disk.fetch(action.query)
          this.#queue.push({ on: 'fetched', epoch: action.query.epoch, found })
        }
        if (action.do !== 'commit') continue
        const verdict = this.disk.commit(action.commit)
        const { ok } = verdict
        this.#queue.push(
          ok
            ? { on: 'committed', backlog: verdict.backlog, trimmed: verdict.trimmed }
            : { on: 'commit-failed', fault: 'OPS-04' },
        )
      }
    }
  }

  #hear(body: Uint8Array): void {
    const opened = this.#channel?.open(body)
    if (opened?.ok === true && opened.plaintext[0] === 3) this.asked = opened.plaintext.slice(1)
  }
}

const edge = (max: number): fc.Arbitrary<number> =>
  fc.oneof(fc.constantFrom(0, 1, max, max - 1, START_US, START_US / 1_000), fc.nat({ max }))
const offers: fc.Arbitrary<Offer> = fc.record({
  t2: edge(U53),
  t3: edge(U53),
  bound: edge(0xffff_ffff).map((bound) => Math.min(bound, 0xffff_ffff)),
  tolerance: fc.integer({ min: 1, max: 60 }),
  historyFrom: edge(2 ** 48 - 1).map((at) => Math.min(at, 2 ** 48 - 1)),
  origin: fc.option(edge(Math.floor(U53 / 1_000)).map((at) => Math.floor(at / 1_000) * 1_000)),
})

/** A message about what the slave really has, most of the time. */
function aimed(victim: Victim, message: ControlMessage, sharp: number): ControlMessage {
  const { runs, epochs } = victim.disk.load()
  const run = runs.at(sharp % Math.max(1, runs.length))
  const epoch = run?.epoch ?? epochs.at(-1)?.id
  if (sharp % 4 === 3 || epoch === undefined) return message
  if (message.is === 'master-key') {
    const key = SMALL_ORDER[sharp % (2 * SMALL_ORDER.length)]
    return key === undefined ? message : { ...message, key }
  }
  if (message.is === 'clock-reply') return { ...message, id: victim.asked ?? message.id }
  if (message.is === 'command') return { ...message, number: 1 + (sharp % 50) }
  if (message.is === 'committed') {
    const own = message.runs.map((entry) => ({ ...entry, epoch, run: run?.run ?? 0 }))
    return { ...message, runs: own }
  }
  const at = { epoch, run: run?.run ?? 0 }
  if (message.is === 'expect') return { ...message, ...at, next: sharp % 9 }
  return message.is === 'acknowledge' ? { ...message, ...at, sequence: sharp % 9 } : message
}

const deeds = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.tuple(controls, fc.nat({ max: 1_000 })) },
    { weight: 3, arbitrary: fc.constantFrom('read', 'tick', 'hour', 'commit', 'restart') },
    { weight: 1, arbitrary: offers },
    { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 90 }) },
  ),
  { minLength: 4, maxLength: 30 },
)

test('a master that holds every key and says anything: no slave throws, none at its next start', () => {
  fc.assert(
    fc.property(offers, fc.boolean(), deeds, (offer, sound, said) => {
      const victim = new Victim()
      victim.call(sound ? usual : offer)
      victim.commit()
      for (const deed of said) {
        if (deed instanceof Uint8Array) victim.sayBytes(deed)
        else if (Array.isArray(deed)) victim.say(aimed(victim, deed[0], deed[1]))
        else if (typeof deed === 'object') victim.call(deed)
        else if (deed === 'read') victim.read(7)
        else if (deed === 'commit') victim.commit()
        else if (deed === 'restart') victim.restart()
        else victim.pass(deed === 'tick' ? 250_000 : 3_600_000_000)
      }
      victim.restart()
      victim.call(usual)
      victim.commit()
      victim.read(8)
      victim.pass(1_000_000)
    }),
    { numRuns: 400 },
  )
})

test('a device that holds all its keys and says anything: the master does not throw', () => {
  const plaintexts = fc.uint8Array({ maxLength: 200 })
  const words = fc.array(fc.oneof(controls, plaintexts, fc.constant('frame' as const)), {
    maxLength: 12,
  })
  fc.assert(
    fc.property(words, plaintexts, (said, content) => {
      const pair = new SessionPair({ limits: { perSource: 1e6, perDevice: 1e6 } })
      const { link, welcome } = pair.greet()
      assert.ok(welcome.outcome.is === 'welcome' && welcome.session.is === 'greeted')
      const { epoch } = welcome.outcome
      const { channel } = welcome.session
      pair.confirm(link, welcome)
      pair.master.step({ on: 'epoch-committed', link, stored: true }, pair.now)
      let sequence = 0
      for (const word of said) {
        if (word === 'frame' && epoch !== null) {
          const run = 1 + (sequence % 3)
          const leaf = leafAt(nodeSuite, plantTree(nodeSuite, epoch.secret), second(0))
          assert.ok(leaf !== null)
          const salt = new Uint8Array(16)
          const body = sealFrame(nodeSuite, {
            key: leaf.key,
            iv: runIv(nodeSuite, plantTree(nodeSuite, epoch.secret).ivKey, run, salt),
            device: DEVICE,
            transcript: epoch.transcript,
            header: {
              opener: sequence === 0,
              epoch: epoch.id,
              run,
              second: second(0),
              sequence,
              count: sequence === 0 ? 0 : content.length,
              salt: sequence === 0 ? salt : null,
            },
            plaintext: content,
          })
          sequence += 1
          pair.tell(link, body)
        } else if (word instanceof Uint8Array) {
          pair.tell(link, channel.seal(concat(Uint8Array.of(1 + (word[0] ?? 0) / 16), word)))
        } else if (typeof word === 'object') {
          const body = controlBody(welcome.session, word)
          if (body !== null) pair.tell(link, body)
        }
        pair.master.step({ on: 'appended', device: '00112233aabbccdd', durable: true }, pair.now)
        pair.master.step({ on: 'tick' }, pair.now)
      }
    }),
    { numRuns: 300 },
  )
})
