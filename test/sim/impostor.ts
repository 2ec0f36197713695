// The attacker on links of its own. It replays recorded sessions to the master: at once, after a
// restart, and after a week. It floods the master, enrols in a slave's name, and answers slaves in
// the master's place. It knows every public key and no secret.

import { nodeSuite } from '../../shared/node/node-suite.ts'
import { enrolmentPrologue, masterKeyTag, sessionPrologue } from '../../shared/tves/handshake.ts'
import { type Handshake, type KeyPair, startHandshake } from '../../shared/tves/noise.ts'
import {
  enrolmentHello,
  enrolmentStep,
  readMessage,
  refusal,
  sessionAnswer,
  sessionHello,
} from '../../shared/wire/message.ts'
import { isFrame } from '../../shared/wire/frame.ts'
import { encodeAttempt, encodeSessionHello } from '../../shared/wire/payload.ts'
import type { Attacker, Session } from './attacker.ts'
import type { Faults } from './faults.ts'
import type { MasterBox } from './master-box.ts'
import type { End, NetLink, Network } from './network.ts'
import type { Chance } from './prng.ts'
import { MINUTE, SECOND, type World } from './world.ts'

/** Bodies of one recorded session played again. */
const PLAYED_MAX = 60
const FLOOD_MAX = 20
const LIES = ['SEC-14', 'SEC-01', 'WIR-05', 'SEC-FORK', 'NONSENSE'] as const

interface Setup {
  readonly world: World
  readonly network: Network
  readonly faults: Faults
  readonly staticKey: KeyPair
}

/** Source addresses, so that limits per source do not keep the attacker out altogether. */
const PLACES = 500

export class Impostor implements End {
  readonly #setup: Setup
  readonly #chance: Chance
  readonly #attacker: Attacker
  readonly #master: MasterBox
  /** Until then the attacker answers all calls to the master. */
  #posesUntil = 0
  readonly #keys: KeyPair

  constructor(setup: Setup, chance: Chance, attacker: Attacker, master: MasterBox) {
    this.#setup = setup
    this.#chance = chance
    this.#attacker = attacker
    this.#master = master
    const privateKey = chance.bytes(32)
    this.#keys = { privateKey, publicKey: nodeSuite.publicKey(privateKey) }
    // Some slaves reach the attacker before they reach the master.
    if (chance.happens(0.3)) this.#posesUntil = setup.world.now + chance.wait(MINUTE)
    setup.world.every(
      () => chance.wait(setup.faults.attackUs),
      '',
      () => this.#attack(),
    )
    master.onStart = () => {
      if (!attacker.calm) this.#playSome(1 + chance.below(4))
    }
  }

  /** Whether a slave that calls the master reaches the attacker instead. */
  get poses(): boolean {
    return !this.#attacker.calm && this.#setup.world.now < this.#posesUntil
  }

  /** A message from a slave that takes the attacker for the master. */
  onBody(link: NetLink, body: Uint8Array): void {
    this.#attacker.attacks += 1
    const answer = this.#answer(link, body)
    if (answer !== null) this.#setup.network.inject(link, 'down', answer, { alien: true })
    if (this.#chance.happens(0.2)) this.#setup.network.close(link, 'master')
  }

  onClosed(): void {}

  /** Replays every recorded session, or the newest when there are many. */
  playAll(sessionsMax: number): void {
    if (!Number.isFinite(this.#setup.faults.attackUs)) return
    for (const session of this.#attacker.sessions.slice(-sessionsMax)) this.#play(session.bodies)
  }

  #attack(): void {
    const { calm } = this.#attacker
    if (calm) return
    this.#attacker.attacks += 1
    const chance = this.#chance
    switch (chance.below(6)) {
      case 0:
        this.#playSome(1 + chance.below(3))
        return
      case 1:
        this.#splice()
        return
      case 2:
        this.#intrude()
        return
      case 3:
        this.#flood()
        return
      case 4:
        this.#enrol()
        return
      default:
        this.#posesUntil = this.#setup.world.now + chance.wait(MINUTE)
        this.#setup.world.note('attacker poses as the master')
    }
  }

  #join(onBody: End['onBody'] = () => undefined): NetLink | null {
    if (!this.#master.listening) return null
    const address = `attacker ${this.#chance.below(PLACES)}`
    const end: End = { address, onBody, onClosed: () => undefined }
    const link = this.#setup.network.join(end, this.#master)
    link.touched = true
    this.#attacker.own.add(link.id)
    this.#master.opened(link)
    return link
  }

  #someSession(): Session | null {
    const { sessions } = this.#attacker
    return sessions[this.#chance.below(Math.max(1, sessions.length))] ?? null
  }

  #playSome(count: number): void {
    for (let n = 0; n < count; n += 1) this.#play(this.#someSession()?.bodies ?? [])
  }

  /** A recorded session on a new link, perhaps with something altered. */
  #play(bodies: Session['bodies']): void {
    const link = this.#join()
    if (link === null) return
    const chance = this.#chance
    const alters = chance.happens(0.3)
    for (const { way, body } of bodies.slice(0, PLAYED_MAX)) {
      if (way === 'down' && !chance.happens(0.02)) continue
      const how = chance.pick<'flip' | 'head' | 'truncate'>(['flip', 'head', 'truncate'])
      const sent = alters && chance.happens(0.2) ? this.#attacker.alter(body, how) : body
      this.#send(link, sent)
    }
    if (chance.happens(0.7)) this.#setup.network.close(link, 'slave')
  }

  /** The beginning of one session, the rest of another. */
  #splice(): void {
    const [begin, rest] = [this.#someSession(), this.#someSession()]
    if (begin === null || rest === null) return
    const from = this.#chance.below(Math.max(1, rest.bodies.length))
    this.#play([...begin.bodies.slice(0, 3), ...rest.bodies.slice(from, from + 10)])
  }

  /** Injects old bodies, mostly frames, into a live link. */
  #intrude(): void {
    const chance = this.#chance
    const links = [...this.#setup.network.links.values()].filter(
      (link) => !this.#attacker.own.has(link.id) && link.slave.open && link.master.end !== this,
    )
    const live = links[chance.below(links.length)]
    const session = this.#someSession()
    if (live === undefined || session === null) return
    const found = chance.happens(0.7)
      ? session.bodies.filter(({ body }) => isFrame(body))
      : session.bodies
    const from = chance.below(Math.max(1, found.length))
    for (const recorded of found.slice(from, from + 1 + chance.below(4))) {
      this.#attacker.throw(live, recorded.way, recorded, session.link)
    }
  }

  #flood(): void {
    const chance = this.#chance
    for (let n = chance.below(FLOOD_MAX); n >= 0; n -= 1) {
      const link = this.#join()
      if (link === null) return
      const garbage = chance.bytes(1 + chance.below(200))
      if (chance.happens(0.5)) garbage[0] = 0x11 + chance.below(6)
      this.#send(link, chance.happens(0.3) ? this.#strangersHello() : garbage)
      if (chance.happens(0.9)) this.#setup.network.close(link, 'slave')
    }
  }

  /** A flawless session handshake under a key that is not enrolled. */
  #strangersHello(): Uint8Array {
    const chance = this.#chance
    const noise = startHandshake({
      suite: nodeSuite,
      pattern: 'IKpsk2',
      initiator: true,
      prologue: sessionPrologue(0),
      staticKey: this.#keys,
      remoteStatic: this.#setup.staticKey.publicKey,
      psk: chance.bytes(32),
      ephemeral: chance.bytes(32),
    })
    const payload = encodeSessionHello({ processId: chance.bytes(8), wantsEpoch: true })
    const tag = masterKeyTag(nodeSuite, this.#setup.staticKey.publicKey)
    return sessionHello(0, tag, noise.write(payload) ?? payload)
  }

  /** Enrols under a token id that passed in clear, without its secret. */
  #enrol(): void {
    const token = this.#tokenSeen()
    if (token === null) return
    const noise = this.#enrolment(token, true)
    const hello = noise.write(new Uint8Array(0))
    const link = this.#join((own, body) => {
      const verdict = readMessage(body)
      if (!verdict.ok || verdict.message.is !== 'enrolment') return
      if (noise.read(verdict.message.noise) === null) return
      const last = noise.write(encodeAttempt(1_000))
      if (last !== null) this.#send(own, enrolmentStep(3, last))
    })
    if (link !== null && hello !== null) this.#send(link, enrolmentHello(token, hello))
  }

  #enrolment(token: Uint8Array, initiator: boolean): Handshake {
    return startHandshake({
      suite: nodeSuite,
      pattern: 'XXpsk3',
      initiator,
      prologue: enrolmentPrologue(token),
      staticKey: this.#keys,
      psk: this.#chance.bytes(32),
      ephemeral: this.#chance.bytes(32),
    })
  }

  #tokenSeen(): Uint8Array | null {
    for (const { bodies } of this.#attacker.sessions) {
      const verdict = readMessage(bodies[0]?.body ?? new Uint8Array(0))
      if (!verdict.ok || verdict.message.is !== 'enrolment') continue
      if (verdict.message.token !== null && this.#chance.happens(0.5)) return verdict.message.token
    }
    return null
  }

  /** An answer to a slave: an old one, a lie in clear, noise, or a handshake of the attacker's. */
  #answer(link: NetLink, body: Uint8Array): Uint8Array | null {
    const chance = this.#chance
    const verdict = readMessage(body)
    const message = verdict.ok ? verdict.message : null
    if (message?.is === 'enrolment' && message.token !== null && chance.happens(0.7)) {
      // The psk is not used before step 3: only the fingerprint gives the attacker away.
      const noise = this.#enrolment(message.token, false)
      if (noise.read(message.noise) === null) return null
      const answer = noise.write(new Uint8Array(0))
      return answer === null ? null : enrolmentStep(2, answer)
    }
    switch (chance.below(4)) {
      case 0:
        return refusal(chance.pick(LIES))
      case 1: {
        const old = this.#someSession()?.bodies.filter(({ way }) => way === 'down') ?? []
        return old[0]?.body ?? null
      }
      case 2:
        return sessionAnswer(1, chance.bytes(48 + chance.below(2_000)))
      default:
        link.touched = true
        this.#setup.world.after(chance.wait(SECOND), '', () =>
          this.#setup.network.close(link, 'master'),
        )
        return null
    }
  }

  #send(link: NetLink, body: Uint8Array): void {
    if (body.length > 0) this.#setup.network.inject(link, 'up', body, { alien: true })
  }
}
