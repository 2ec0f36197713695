// Our NTP client with sockets around it, as small as it can be: associations, plain or NTS, each
// asking its own server on loopback.

import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { establish, type KeServer } from '../../services/master/shell/time/nts-ke.ts'
import type { Estimate } from '../../shared/clock/estimator.ts'
import { estimateAt } from '../../shared/clock/estimator.ts'
import {
  type Association,
  type AssociationEvent,
  PLAIN,
  startAssociation,
  stepAssociation,
} from '../../shared/clock/ntp/association.ts'
import { ntsEnvelope, UNKEYED } from '../../shared/clock/nts/session.ts'
import type { FaultCode } from '../../shared/faults.ts'
import { nodeRandom } from '../../shared/node/node-suite.ts'
import { openWallClock } from '../../shared/node/wall-edges.ts'
import { type MonoUs, monoUs } from '../../shared/units.ts'

const HOST = '127.0.0.1'
/** The association sees to it itself when to ask. */
const TICK_MS = 50
const OUTSIDE = { random: nodeRandom, ours: new Set<number>() }

export const monoNow = (): MonoUs => monoUs(Number(process.hrtime.bigint()) / 1_000)

export interface Following {
  /** Of NTP; with NTS, where the key establishment does not name another. */
  readonly port: number
  readonly nts?: KeServer | null
  /** Log2 seconds; a poll of 1 s is for tests only. */
  readonly polls?: { readonly min: number; readonly max: number }
}

/** One source followed; prints nothing, keeps what was reported. */
export class Follower {
  readonly reports: FaultCode[] = []
  /** Datagrams sent, oldest first. */
  readonly sent: Uint8Array[] = []
  /** Answers that brought a sample. */
  learned = 0
  establishments = 0
  readonly #wall = openWallClock()
  readonly #nts: KeServer | null
  readonly #ticks: NodeJS.Timeout
  #association: Association
  #socket: Socket | null = null
  #closed = false

  private constructor({ nts = null, polls }: Following) {
    this.#nts = nts
    this.#association = startAssociation(monoNow(), nts === null ? PLAIN : UNKEYED, polls)
    this.#ticks = setInterval(() => this.#step({ on: 'tick', at: monoNow() }), TICK_MS)
  }

  static async open(following: Following): Promise<Follower> {
    const follower = new Follower(following)
    await follower.#connect(following.port)
    return follower
  }

  get association(): Association {
    return this.#association
  }

  estimate(at = monoNow()): Estimate | null {
    return estimateAt(this.#association.estimator, at)
  }

  /** Estimate less the system's clock, microseconds; null while nothing is known. */
  errorUs(): number | null {
    const at = monoNow()
    const estimate = this.estimate(at)
    if (estimate === null) return null
    const aged = (at - estimate.mono) * (1 + estimate.frequency * 1e-6)
    return estimate.utc + aged - this.#wall.at(at).at
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#ticks)
    this.#wall.close()
    this.#socket?.close()
  }

  async #connect(port: number): Promise<void> {
    this.#socket?.close()
    const socket = createSocket('udp4')
    this.#socket = socket
    // A server that is away: ECONNREFUSED, and the next poll asks again.
    socket.on('error', () => {})
    socket.on('message', (datagram) => this.#step({ on: 'datagram', datagram, at: monoNow() }))
    socket.connect(port, HOST)
    await once(socket, 'connect')
  }

  #step(event: AssociationEvent): void {
    if (this.#closed) return
    const after = stepAssociation(this.#association, event, OUTSIDE)
    this.#association = after.association
    for (const action of after.actions) {
      if (action.do === 'report') this.reports.push(action.fault)
      if (action.do === 'learned') this.learned += 1
      if (action.do === 'establish') void this.#establish()
      if (action.do !== 'send') continue
      this.sent.push(action.datagram)
      this.#step({ on: 'sent', at: monoNow() })
      this.#socket?.send(action.datagram, () => {})
    }
  }

  async #establish(): Promise<void> {
    if (this.#nts === null) return
    this.establishments += 1
    const verdict = await establish(this.#nts)
    if (this.#closed) return
    if (!verdict.ok) {
      this.reports.push(verdict.fault)
      return
    }
    const { keys, port } = verdict.established
    await this.#connect(port)
    this.#step({ on: 'envelope', envelope: ntsEnvelope(keys), at: monoNow() })
  }
}
