// A holder of a device's keys who does what no slave of ours would: seals for any second, skips,
// lies, sends too much. It speaks the protocol with the slave's own code, over TCP.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { assert } from '../../shared/assert.ts'
import { nodeRandom, nodeSuite } from '../../shared/node/node-suite.ts'
import type { EpochSecret } from '../../shared/tves/handshake.ts'
import { sealFrame } from '../../shared/tves/seal.ts'
import { decodeToken } from '../../shared/tves/token.ts'
import type { Suite } from '../../shared/tves/suite.ts'
import { type KeyTree, leafAt, plantTree, runIv } from '../../shared/tves/tree.ts'
import { ACTIVE_IMPORT_TOTAL, type Obis } from '../../shared/meter/obis.ts'
import { UNIT } from '../../shared/meter/reading.ts'
import {
  monoUs,
  type Second,
  second,
  secondOf,
  spanMs,
  startOfSecond,
  type UnixMs,
  unixMs,
} from '../../shared/units.ts'
import { encodeOpener, encodeReadings } from '../../shared/wire/content.ts'
import type { ControlMessage, SealedUpTo } from '../../shared/wire/control.ts'
import { NO_PREVIOUS_RUN, type Opener } from '../../shared/wire/opener.ts'
import { Deframer, lengthPrefixed } from '../../shared/wire/transport.ts'
import { channelOf, controlBody } from '../slave/core/control.ts'
import {
  beginEnrolment,
  beginSession,
  type Outcome,
  receive,
  type SessionSetup,
  type Step,
} from '../slave/core/link/session.ts'
import { DOWN, type Session } from '../slave/core/state/link.ts'
import type { StoredIdentity } from '../slave/core/state/stored.ts'

/** How long an answer may take, ms. */
const PATIENCE_MS = 10_000
const LOOK_MS = 5

const setup = (suite: Suite = nodeSuite): SessionSetup => ({
  suite,
  random: nodeRandom,
  processId: nodeRandom(8),
})

/** Keys of an enrolled device. */
export interface StolenKeys {
  readonly staticKey: Uint8Array
  readonly masterKey: Uint8Array
  readonly psk: Uint8Array
  readonly device: Uint8Array
}

export interface RogueEpoch extends EpochSecret {
  readonly origin: UnixMs
  readonly tree: KeyTree
}

/** A raw link to the master: bodies out, bodies in. */
export class RawLink {
  readonly #socket: Socket
  readonly #bodies: Uint8Array[] = []
  #closed = false

  private constructor(socket: Socket) {
    this.#socket = socket
    const deframer = new Deframer()
    socket.on('data', (chunk: Buffer) => this.#bodies.push(...deframer.push(chunk).bodies))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.#closed = true
    })
  }

  /** `from`: an address of this machine; left out: the usual one. */
  static async open(port: number, from?: string): Promise<RawLink> {
    const local = from === undefined ? {} : { localAddress: from }
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, ...local })
    const link = new RawLink(socket)
    await once(socket, 'connect')
    return link
  }

  /** Answers that have not been read yet. */
  get pending(): number {
    return this.#bodies.length
  }

  send(...bodies: readonly Uint8Array[]): void {
    for (const body of bodies) if (this.#socket.writable) this.#socket.write(lengthPrefixed(body))
  }

  /** The next body, or null when the master ended the link or said nothing for ten seconds. */
  async next(): Promise<Uint8Array | null> {
    const until = performance.now() + PATIENCE_MS
    while (this.#bodies.length === 0) {
      if (this.#closed || performance.now() > until) return null
      await wait(LOOK_MS)
    }
    return this.#bodies.shift() ?? null
  }

  /** Resolves when the master has ended the link, or after PATIENCE_MS. */
  async ended(patienceMs = PATIENCE_MS): Promise<void> {
    if (this.#closed) return
    const late = new AbortController()
    const patience = wait(patienceMs, null, { signal: late.signal }).catch(() => null)
    await Promise.race([once(this.#socket, 'close'), patience])
    late.abort()
  }

  close(): void {
    this.#socket.destroy()
  }
}

/** Enrols with a token as a slave does; null when the master refuses. */
export async function enrolRogue(port: number, token: string): Promise<StolenKeys | null> {
  const decoded = decodeToken(token)
  assert(decoded !== null, 'the attacker holds a token')
  const identity: StoredIdentity = {
    staticKey: nodeRandom(32),
    attempt: 1,
    masterKey: null,
    psk: null,
    device: null,
  }
  const link = await RawLink.open(port)
  const ours = setup()
  const outcome = await follow(link, ours, identity, beginEnrolment(ours, identity, decoded))
  link.close()
  if (outcome?.is !== 'enrolled') return null
  const { device, psk, masterKey } = outcome
  return { staticKey: identity.staticKey, device, psk, masterKey }
}

/** Performs steps until one says more than "wait"; null when the link ended first. */
async function follow(
  link: RawLink,
  ours: SessionSetup,
  identity: StoredIdentity,
  first: Step,
): Promise<Outcome | null> {
  let step = first
  for (;;) {
    if (step.send !== null) link.send(step.send)
    if (step.outcome.is !== 'wait') return step.outcome
    const body = await link.next()
    if (body === null) return null
    step = receive(ours, step.session, identity, body)
  }
}

/** A session in the device's name. */
export class RogueSession {
  readonly link: RawLink
  readonly keys: StolenKeys
  /** Offered and committed in this session; null when none was. */
  readonly epoch: RogueEpoch | null
  readonly #identity: StoredIdentity
  readonly #setup: SessionSetup
  #session: Session

  private constructor(
    link: RawLink,
    keys: StolenKeys,
    opened: {
      readonly epoch: RogueEpoch | null
      readonly session: Session
      readonly setup: SessionSetup
      readonly identity: StoredIdentity
    },
  ) {
    this.link = link
    this.keys = keys
    this.epoch = opened.epoch
    this.#session = opened.session
    this.#setup = opened.setup
    this.#identity = opened.identity
  }

  /** Handshake, CONFIRM and COMMITTED; null when the master refuses. `suite`: one that is
   * watched. `runs`: what CONFIRM lists. */
  static async open(
    port: number,
    keys: StolenKeys,
    suite?: Suite,
    runs: readonly SealedUpTo[] = [],
  ): Promise<RogueSession | null> {
    const identity: StoredIdentity = { ...keys, attempt: 1 }
    const ours = setup(suite)
    const link = await RawLink.open(port)
    const hello = beginSession(ours, keys, { wantEpoch: true, mono: monoUs(0) })
    assert(hello.send !== null, 'a session begins with a message')
    link.send(hello.send)
    const body = await link.next()
    if (body === null) return null
    const step = receive(ours, hello.session, identity, body)
    const { outcome, session } = step
    if (outcome.is !== 'welcome') return null
    const { epoch: secret, answer } = outcome
    const epoch =
      secret === null || answer.origin === null
        ? null
        : { ...secret, origin: answer.origin, tree: plantTree(nodeSuite, secret.secret) }
    const rogue = new RogueSession(link, keys, { epoch, session, setup: ours, identity })
    rogue.say({ is: 'confirm', epoch: epoch?.id ?? 0, runs })
    return (await rogue.told('committed')) === null ? null : rogue
  }

  say(message: ControlMessage): void {
    const body = controlBody(this.#session, message)
    if (body !== null) this.link.send(body)
  }

  /** Seals what no encoder of ours would write. */
  sayRaw(plaintext: Uint8Array): void {
    const body = channelOf(this.#session)?.seal(plaintext)
    if (body !== undefined) this.link.send(body)
  }

  /** The next control message of this kind (others are passed over); null when the link ended. */
  async told<Is extends ControlMessage['is']>(
    is: Is,
  ): Promise<Extract<ControlMessage, { is: Is }> | null> {
    for (;;) {
      const message = await this.hear()
      if (message === null) return null
      if (isKind(message, is)) return message
    }
  }

  async hear(): Promise<ControlMessage | null> {
    const body = await this.link.next()
    if (body === null || this.#session === DOWN) return null
    const step = receive(this.#setup, this.#session, this.#identity, body)
    this.#session = step.session
    return step.outcome.is === 'control' ? step.outcome.message : null
  }

  /** Whether the master acknowledged, or with which code it refused, the frames just sent. */
  async verdict(): Promise<string> {
    for (;;) {
      const message = await this.hear()
      if (message === null) return 'link ended'
      if (message.is === 'acknowledge') return 'acknowledged'
      if (message.is === 'expect') return message.code
    }
  }
}

const isKind = <Is extends ControlMessage['is']>(
  message: ControlMessage,
  is: Is,
): message is Extract<ControlMessage, { is: Is }> => message.is === is

/** Seals frames of one run in any order, for any second. */
export class RogueRun {
  readonly #keys: StolenKeys
  readonly #iv: Uint8Array
  readonly #opener: Opener = {
    kind: 'opener',
    processId: nodeRandom(8),
    previous: NO_PREVIOUS_RUN,
    processStart: unixMs(Date.now()),
    heads: [],
  }
  readonly epoch: RogueEpoch
  readonly salt: Uint8Array
  readonly run: number

  constructor(keys: StolenKeys, epoch: RogueEpoch, run: number, salt = nodeRandom(16)) {
    this.#keys = keys
    this.epoch = epoch
    this.run = run
    this.salt = salt
    this.#iv = runIv(nodeSuite, epoch.tree.ivKey, run, salt)
  }

  opener(at: number): Uint8Array {
    return this.#seal(at, 0, { plaintext: encodeOpener(this.#opener), readings: 0 })
  }

  /** A reading of a meter that does not exist, said to be taken at `taken`. */
  sealReading(at: number, sequence: number, taken: UnixMs, meter = 'bogus-1'): Uint8Array {
    return this.sealReadings(at, sequence, taken, [{ meter }])
  }

  /** Readings said to be taken at `taken`. */
  sealReadings(
    at: number,
    sequence: number,
    taken: UnixMs,
    made: readonly { readonly meter: string; readonly register?: Obis }[],
  ): Uint8Array {
    const stamp = {
      agentTime: taken,
      clockState: 'S',
      clockBound: spanMs(1),
      processMs: 1_000,
    } as const
    const fields = { value: 1, exponent: 0, unit: UNIT.Wh, meterTime: null, checked: true } as const
    const readings = made.map(({ meter, register = ACTIVE_IMPORT_TOTAL }) => {
      return { ...fields, meter, register, source: 'live' as const }
    })
    const begins = startOfSecond(this.epoch.origin, this.#secondAt(at))
    const content = encodeReadings([{ stamp, readings }], { begins, opener: this.#opener })
    return this.#seal(at, sequence, content)
  }

  #secondAt(at: number): Second {
    return second(Math.max(0, secondOf(this.epoch.origin, unixMs(at))))
  }

  #seal(
    at: number,
    sequence: number,
    { plaintext, readings }: { readonly plaintext: Uint8Array; readonly readings: number },
  ): Uint8Array {
    const index = this.#secondAt(at)
    const leaf = leafAt(nodeSuite, this.epoch.tree, index)
    assert(leaf !== null, 'the thief has the whole tree')
    return sealFrame(nodeSuite, {
      key: leaf.key,
      iv: this.#iv,
      device: this.#keys.device,
      transcript: this.epoch.transcript,
      header: {
        opener: sequence === 0,
        epoch: this.epoch.id,
        run: this.run,
        second: index,
        sequence,
        count: readings,
        salt: sequence === 0 ? this.salt : null,
      },
      plaintext,
    })
  }
}
