// One NTP or NTS source of time: finds its address, owns its socket, and performs its association's
// actions.
//
// The socket is connected, so the system delivers nothing from other addresses; the system chooses
// a random port. When the server is silent for long or asks to be left alone, its name is resolved
// again and the next address tried: pools change, and one of the two address families may not work.
// If there is no other address, a new socket asks the same one again: our own address may have
// changed.

import { createHash } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { isIP, isIPv6 } from 'node:net'
import {
  type Estimator,
  frequencyOf,
  withoutPhase,
} from '../../../../shared/clock/estimate/estimator.ts'
import type { FrequencyPrior } from '../../../../shared/clock/estimate/bank.ts'
import type { SourceView } from '../../../../shared/clock/estimate/source.ts'
import {
  type Association,
  type AssociationAction,
  type AssociationEvent,
  type Envelope,
  PLAIN,
  type Polls,
  startAssociation,
  stepAssociation,
} from '../../../../shared/clock/ntp/association.ts'
import { viewOf } from '../../../../shared/clock/ntp/source-view.ts'
import { ntsEnvelope, UNKEYED } from '../../../../shared/clock/nts/session.ts'
import type { FaultCode } from '../../../../shared/faults.ts'
import { errorText } from '../../../../shared/node/fault-error.ts'
import { nodeRandom } from '../../../../shared/node/node-suite.ts'
import { elapsedUs, type MonoUs } from '../../../../shared/units.ts'
import { establish } from './nts-ke.ts'
import type { RunningSource, TimeSource } from './time-source.ts'

/** How often a name is looked up while none of its addresses ever answered, microseconds. */
const RESOLVE_EVERY_US = 64_000_000
/** The same once one has answered, even with "leave me alone": a pool's zone changes within
 * minutes. */
const MOVED_EVERY_US = 600_000_000

export interface UpstreamSetup {
  readonly source: TimeSource
  readonly polls: Polls
  /** What is known of the oscillator. */
  readonly estimator: Estimator
  readonly authorities: readonly string[]
  readonly mono: () => MonoUs
  /** All addresses of a name; rejects when there are none. Omitted: the system's resolver. */
  readonly addressesOf?: (host: string) => Promise<readonly string[]>
  /** Whether another source asks there: one server has one vote, whatever its names. Omitted: none
   * does. */
  readonly isTaken?: (address: string, port: number) => boolean
  /** Our own addresses as refids. */
  readonly ours: () => ReadonlySet<number>
  readonly onLearned: () => void
  readonly onFault: (code: FaultCode, detail: string) => void
}

export class Upstream implements RunningSource {
  readonly #setup: UpstreamSetup
  #association: Association | null = null
  #socket: Socket | null = null
  #address = ''
  #note = 'looking up its address'
  /** The address last tried, successfully or not. */
  #tried = { address: '', port: 0 }
  #resolvedAt: MonoUs | null = null
  /** A look-up or a key establishment is in progress. */
  #busy = false
  #closed = false

  constructor(setup: UpstreamSetup) {
    this.#setup = setup
    // Keys come from the named host; the address to ask comes with them.
    if (setup.source.kind === 'nts') this.#begin(UNKEYED)
  }

  view(at: MonoUs): SourceView {
    const { name, kind } = this.#setup.source
    const refid = this.#address === '' ? 0 : refidOfAddress(this.#address)
    return viewOf({ name, kind, refid, association: this.#association, note: this.#note }, at)
  }

  /** Null while there is no address to ask. */
  get association(): Association | null {
    return this.#association
  }

  frequency(): FrequencyPrior | null {
    return this.#association === null ? null : frequencyOf(this.#association.estimator)
  }

  get of(): TimeSource {
    return this.#setup.source
  }

  asks(address: string, port: number): boolean {
    return this.#tried.address === address && this.#tried.port === port
  }

  tick(at: MonoUs): void {
    if (this.#setup.source.kind === 'ntp' && this.#isLost(at)) void this.#resolve()
    this.#step({ on: 'tick', at })
  }

  /** Nothing answers, and it is time to look for another address. */
  #isLost(at: MonoUs): boolean {
    if (this.#resolvedAt === null) return true
    const { silent, stopped, server } = this.#association ?? NOBODY
    const every = stopped || server !== null ? MOVED_EVERY_US : RESOLVE_EVERY_US
    return silent && elapsedUs(this.#resolvedAt, at) >= every
  }

  /** What it said is void; `at`: when to ask again. */
  forget(at: MonoUs): void {
    this.#step({ on: 'slept', at })
  }

  close(): void {
    this.#closed = true
    this.#socket?.close()
    this.#socket = null
  }

  /** The address after the one tried last, in the resolver's order. Rejects when there is none, or
   * other sources ask all of them. */
  async #nextAddress(host: string, port: number): Promise<string> {
    const { addressesOf = addressesOfName, isTaken = () => false } = this.#setup
    const all = await addressesOf(host)
    const free = all.filter((each) => !isTaken(each, port))
    const address = free[(free.indexOf(this.#tried.address) + 1) % free.length]
    if (address === undefined) throw new Error(`another source asks ${all.join(' and ')} already`)
    this.#tried = { address, port }
    return address
  }

  async #resolve(): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    const { source, mono, onFault } = this.#setup
    this.#resolvedAt = mono()
    try {
      const address = await this.#nextAddress(source.host, source.port)
      if (this.#closed) return
      const another = address !== this.#address
      await this.#open(address, source.port)
      if (another && !this.#closed) this.#begin(PLAIN)
    } catch (error) {
      // Reported once: the note stays until an address is found.
      if (this.#note !== errorText(error)) onFault('CLK-12', `${source.name}: ${errorText(error)}`)
      this.#note = errorText(error)
    } finally {
      this.#busy = false
    }
  }

  /** What was learned of the oscillator stays; what another server said does not. */
  #begin(envelope: Envelope): void {
    const { polls, estimator, mono } = this.#setup
    const known = this.#association === null ? estimator : withoutPhase(this.#association.estimator)
    this.#association = startAssociation(mono(), envelope, polls, known)
    this.#note = ''
  }

  /** Rejects with the system's error. */
  async #open(address: string, port: number): Promise<void> {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      // With this callback an error is passed to it and not emitted as an event.
      const connected = (error?: Error): void => {
        socket.off('error', reject)
        if (error === undefined) resolve()
        else reject(error)
      }
      socket.connect(port, address, connected)
    }).catch((error: unknown) => {
      socket.close()
      throw error
    })
    if (this.#closed) {
      socket.close()
      return
    }
    // "Connection refused" and the like mean no answer, which the association notices.
    socket.on('error', () => {})
    const { mono } = this.#setup
    socket.on('message', (datagram) => {
      const at = mono()
      this.#step({ on: 'datagram', datagram, at })
    })
    this.#socket?.close()
    this.#socket = socket
    this.#address = address
  }

  async #establish(): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    const { source, authorities, onFault, mono } = this.#setup
    try {
      const verdict = await establish({ host: source.host, port: source.port, authorities })
      if (this.#closed) return
      if (!verdict.ok) {
        this.#note = verdict.detail
        onFault(verdict.fault, verdict.detail)
        return
      }
      const { host, port, keys } = verdict.established
      await this.#open(await this.#nextAddress(host, port), port)
      this.#step({ on: 'envelope', envelope: ntsEnvelope(keys), at: mono() })
    } catch (error) {
      onFault('CLK-13', `${source.name}: ${errorText(error)}`)
    } finally {
      this.#busy = false
    }
  }

  #step(event: AssociationEvent): void {
    if (this.#association === null || this.#closed) return
    const outside = { random: nodeRandom, ours: this.#setup.ours() }
    const { association, actions } = stepAssociation(this.#association, event, outside)
    this.#association = association
    for (const action of actions) this.#act(action)
  }

  #act(action: AssociationAction): void {
    const { source, mono, onLearned, onFault } = this.#setup
    switch (action.do) {
      case 'send': {
        const at = mono()
        this.#socket?.send(action.datagram, ignoreSendError)
        this.#step({ on: 'sent', at })
        return
      }
      case 'establish':
        void this.#establish()
        return
      case 'learned':
        onLearned()
        return
      case 'report':
        onFault(action.fault, `${source.name}: ${action.detail}`)
        return
    }
  }
}

const NOBODY = { silent: true, stopped: false, server: null }

/** There will be no answer, which the association notices. */
const ignoreSendError = (): void => {}

const addressesOfName = async (host: string): Promise<readonly string[]> =>
  isIP(host) === 0 ? (await lookup(host, { all: true })).map(({ address }) => address) : [host]

/** An IPv4 address as it is; for IPv6, the first four bytes of its MD5 (RFC 5905 section 7.3). */
export function refidOfAddress(address: string): number {
  if (!isIPv6(address)) return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  return createHash('md5').update(ipv6Bytes(address)).digest().readUInt32BE(0)
}

function ipv6Bytes(address: string): Uint8Array {
  const [plain = ''] = address.split('%')
  const { hostname } = new URL(`http://[${plain}]`)
  const [before = '', after] = hostname.slice(1, -1).split('::')
  const head = before === '' ? [] : before.split(':')
  const tail = after === undefined || after === '' ? [] : after.split(':')
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0')
  const groups = after === undefined ? head : [...head, ...zeros, ...tail]
  return Uint8Array.from(
    groups.flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff]),
  )
}
