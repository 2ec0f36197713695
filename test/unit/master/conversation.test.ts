// What the master answers to a body that is not allowed in the link's state, or that is allowed and
// easily forgotten (wire.md 2, 5 and 10). Whoever writes a slave from wire.md alone meets these.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startMaster } from '../../../services/master/core/master.ts'
import type { MasterAction } from '../../../services/master/core/state.ts'
import { controlBody } from '../../../services/slave/core/control.ts'
import type { Step } from '../../../services/slave/core/link/session.ts'
import { fromText, toHex, toText } from '../../../shared/bytes.ts'
import { nodeRandom, nodeSuite } from '../../../shared/node/node-suite.ts'
import { enrolmentPrologue } from '../../../shared/tves/handshake.ts'
import { startHandshake } from '../../../shared/tves/noise.ts'
import { tokenPsk } from '../../../shared/tves/token.ts'
import { ppm, spanMs, spanUs, unixMs, unixUs } from '../../../shared/units.ts'
import { type ControlMessage, decodeControl } from '../../../shared/wire/control.ts'
import {
  enrolmentStep,
  REFUSAL_BYTE,
  refusal,
  sessionAnswer,
  enrolmentHello,
} from '../../../shared/wire/message.ts'
import { DEVICE, keyPair, SessionPair } from '../pairs/session-pair.ts'

const ID = new Uint8Array(16).fill(4)
const CLOCK_REQUEST: ControlMessage = { is: 'clock-request', id: ID }
const ANCHOR: ControlMessage = {
  is: 'anchor',
  processId: new Uint8Array(8),
  processMs: 1,
  utc: unixMs(1_800_000_000_000),
  bound: 1,
}
const STATUS: ControlMessage = {
  is: 'status',
  clockState: 'S',
  offset: spanUs(0),
  bound: spanUs(20),
  roundTrip: spanUs(10),
  backlog: 0,
  meters: 1,
  faults: [],
  discipline: {
    frequency: null,
    skew: ppm(1),
    holdover: spanMs(1),
    steps: 0,
    lastStep: spanUs(0),
  },
}
const RECEIPT: ControlMessage = { is: 'receipt', number: 7, outcome: 'done', detail: '' }
const HASH = new Uint8Array(32)
/** What only a master says. */
const FROM_MASTER: readonly ControlMessage[] = [
  { is: 'committed', epoch: 0, runs: [] },
  { is: 'clock-reply', id: ID, t2: unixUs(1), t3: unixUs(2), bound: null },
  { is: 'acknowledge', epoch: 1, run: 1, sequence: 0, hash: HASH },
  {
    is: 'expect',
    code: 'SEC-03',
    epoch: 1,
    run: 1,
    next: 0,
    masterTime: unixMs(1_800_000_000_000),
  },
  { is: 'enrolled', device: new Uint8Array(8) },
]
const FRAME = new Uint8Array(64).fill(0x13, 0, 1)

/** A slave that says what it likes, and what became of it. */
class Caller {
  readonly pair = new SessionPair()
  readonly link: number
  readonly #welcome: Step

  constructor() {
    const { link, welcome } = this.pair.greet()
    this.link = link
    this.#welcome = welcome
  }

  get offered(): number {
    const { outcome } = this.#welcome
    assert.ok(outcome.is === 'welcome' && outcome.epoch !== null)
    return outcome.epoch.id
  }

  say(message: ControlMessage): string {
    const body = controlBody(this.#welcome.session, message)
    assert.ok(body !== null)
    return this.tell(body)
  }

  tell(body: Uint8Array): string {
    return this.see(this.pair.master.step({ on: 'body', link: this.link, body }, this.pair.now))
  }

  confirm(epoch = this.offered): string {
    return this.say({ is: 'confirm', epoch, runs: [] })
  }

  /** The epoch that CONFIRM named is durable. */
  founded(): string {
    const event = { on: 'epoch-committed', link: this.link, stored: true } as const
    return this.see(this.pair.master.step(event, this.pair.now))
  }

  /** The code by which the link ended; `counted CODE` when it goes on; else what was answered. */
  see(actions: readonly MasterAction[]): string {
    const heard: string[] = []
    for (const action of actions) {
      if (action.do === 'drop') return action.fault
      if (action.do === 'refused') heard.push(`counted ${action.code}`)
      if (action.do !== 'send') continue
      const { session } = this.#welcome
      assert.ok(session.is === 'greeted')
      const opened = session.channel.open(action.body)
      heard.push((opened.ok ? decodeControl(opened.plaintext) : null)?.is ?? 'unreadable')
    }
    return heard.join(', ')
  }
}

test('a handshake step out of turn is WIR-04, whatever it carries (wire.md 2)', () => {
  const pair = new SessionPair()
  const firstOnLink = (body: Uint8Array) => pair.tell(pair.open(), body)
  for (const body of [
    enrolmentStep(2, new Uint8Array(96)),
    enrolmentStep(3, new Uint8Array(96)),
    sessionAnswer(1, new Uint8Array(96)),
    FRAME,
    Uint8Array.of(0x15, 1, 2, 3),
  ]) {
    assert.equal(firstOnLink(body).refused, 'WIR-04')
  }
  const { link } = pair.greet()
  assert.equal(pair.tell(link, pair.hello().send).refused, 'WIR-04', 'step 1 twice')
})

test('what a body is comes before whether it is allowed (wire.md 2)', () => {
  const pair = new SessionPair()
  assert.equal(pair.tell(pair.open(), refusal('WIR-03')).refused, 'WIR-04', 'well formed')
  const malformed = Uint8Array.of(REFUSAL_BYTE, ...fromText('lower case'))
  assert.equal(pair.tell(pair.open(), malformed).refused, 'WIR-03')
})

test('before CONFIRM nothing else is allowed (wire.md 5)', () => {
  for (const message of [CLOCK_REQUEST, STATUS, ANCHOR, ...FROM_MASTER]) {
    assert.equal(new Caller().say(message), 'WIR-04', message.is)
  }
  assert.equal(new Caller().tell(FRAME), 'WIR-04')
})

test('CONFIRM names the epoch that was offered; a sound offer cannot be declined', () => {
  assert.equal(new Caller().confirm(0), 'WIR-04')
  const other = new Caller()
  assert.equal(other.confirm(other.offered + 1), 'WIR-04')
})

test('between CONFIRM and COMMITTED: the time and STATUS, nothing else (wire.md 5)', () => {
  const waiting = (): Caller => {
    const caller = new Caller()
    assert.equal(caller.confirm(), '')
    return caller
  }
  const caller = waiting()
  assert.equal(caller.say(CLOCK_REQUEST), 'clock-reply')
  assert.equal(caller.say(STATUS), '')
  assert.equal(caller.founded(), 'committed')
  assert.equal(caller.say(CLOCK_REQUEST), 'clock-reply')
  for (const message of [ANCHOR, RECEIPT, { is: 'confirm', epoch: 0, runs: [] } as const]) {
    assert.equal(waiting().say(message), 'WIR-04', message.is)
  }
  assert.equal(waiting().tell(FRAME), 'WIR-04')
})

test('an open session: no second CONFIRM, nothing that a master says (wire.md 5)', () => {
  const open = (): Caller => {
    const caller = new Caller()
    caller.confirm()
    assert.equal(caller.founded(), 'committed')
    return caller
  }
  assert.equal(open().confirm(), 'WIR-04')
  for (const message of FROM_MASTER) assert.equal(open().say(message), 'WIR-04', message.is)
  assert.equal(open().say(RECEIPT), 'counted WIR-04', 'a number that was never given')
})

test('a session of the same device ends the one before at its CONFIRM (wire.md 6)', () => {
  const caller = new Caller()
  caller.confirm()
  caller.founded()
  const { pair, link } = caller
  const second = pair.greet()
  assert.equal(caller.say(CLOCK_REQUEST), 'clock-reply', 'step 1 ends nothing')
  const { outcome, session } = second.welcome
  assert.ok(outcome.is === 'welcome')
  const body = controlBody(session, {
    is: 'confirm',
    epoch: outcome.epoch?.id ?? 0,
    runs: [],
  })
  assert.ok(body !== null)
  const actions = pair.master.step({ on: 'body', link: second.link, body }, pair.now)
  const dropped = actions.filter((action) => action.do === 'drop')
  assert.deepEqual(dropped, [{ do: 'drop', link, fault: 'WIR-06' }])
})

test('a handshake that takes too long is WIR-06, in clear while there are no keys (wire.md 10)', () => {
  const pair = new SessionPair()
  const link = pair.open()
  const late = { ...pair.now, at: unixUs(pair.now.at + 10_000_001) }
  const actions = pair.master.step({ on: 'tick' }, late)
  const [sent] = actions.filter((action) => action.do === 'send')
  assert.ok(sent !== undefined)
  assert.equal(toText(sent.body.subarray(1)), 'WIR-06')
  assert.ok(actions.some((action) => action.do === 'drop' && action.link === link))
})

test('T2 is when step 1 arrived, T3 when the answer was begun (wire.md 4)', () => {
  const pair = new SessionPair()
  const arrived = unixUs(pair.now.at - 1_500)
  pair.now = { ...pair.now, arrived }
  const { outcome } = pair.greet().welcome
  assert.ok(outcome.is === 'welcome')
  assert.deepEqual([outcome.answer.t2, outcome.answer.t3], [arrived, pair.now.at])
})

test('a payload that the text calls empty is empty (wire.md 3)', () => {
  const masters = keyPair()
  const token = { id: new Uint8Array(8).fill(5), secret: new Uint8Array(16).fill(6) }
  const now = { at: unixUs(1_800_000_000_000_000), bound: 20_000 }
  const hello = (payload: Uint8Array): Uint8Array => {
    const noise = startHandshake({
      suite: nodeSuite,
      pattern: 'XXpsk3',
      initiator: true,
      prologue: enrolmentPrologue(token.id),
      staticKey: keyPair(),
      psk: tokenPsk(nodeSuite, token.secret),
      ephemeral: nodeRandom(32),
    })
    const message = noise.write(payload)
    assert.ok(message !== null)
    return enrolmentHello(token.id, message)
  }
  const answerTo = (body: Uint8Array): string => {
    const master = startMaster({
      suite: nodeSuite,
      random: nodeRandom,
      staticKeys: [masters],
      toleranceSeconds: 10,
      unwrap: (wrapped) => wrapped,
    })
    const record = { id: toHex(token.id), device: DEVICE, secret: token.secret }
    const tokens = [{ ...record, expiresAt: unixMs(4e12), burntBy: null }]
    const never = { staticKey: null, psk: null, attempt: 0, revoked: false, historyFrom: null }
    const devices = [{ id: DEVICE, name: 'attic', ...never }]
    master.load({ devices, tokens, epochs: [], positions: [] }, now)
    master.step({ on: 'opened', link: 1, transport: 'tcp', source: 'here' }, now)
    const [first] = master.step({ on: 'body', link: 1, body }, now)
    return first?.do === 'refused' ? first.code : (first?.do ?? 'nothing')
  }
  assert.equal(answerTo(hello(new Uint8Array(0))), 'send')
  assert.equal(answerTo(hello(Uint8Array.of(1))), 'WIR-03')
})
