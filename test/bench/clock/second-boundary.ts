// The second boundary: where keys change every second, a reading taken at 12.999 is sealed under
// another key than one taken at 13.001, and slave, network and master rarely agree on the second. A
// published device with such keys loses its packets there over LTE (OpenHR20, issue 24). Here
// frames go from the slave's sealer through the wire's bytes to the master's gate, at every clock
// error that the tolerance allows, and just beyond it.

import { type GateContext, judge } from '../../../services/master/core/gate.ts'
import { emptyRoster, putDevice } from '../../../services/master/core/roster.ts'
import type { DeviceState } from '../../../services/master/core/state.ts'
import { install, putEpoch } from '../../../services/master/core/streams.ts'
import { enterEpoch, seal } from '../../../services/slave/core/capture/sealer.ts'
import type { Sealer } from '../../../services/slave/core/state/sealing.ts'
import { toHex } from '../../../shared/bytes.ts'
import { ACTIVE_IMPORT_TOTAL } from '../../../shared/meter/obis.ts'
import { UNIT } from '../../../shared/meter/reading.ts'
import { nodeSuite as suite } from '../../../shared/node/node-suite.ts'
import { encodeTree, type KeyTree, plantTree } from '../../../shared/tves/tree.ts'
import { spanMs, unixMs } from '../../../shared/units.ts'
import { type Chance, chanceOf } from '../../sim/prng.ts'
import { type Report, row } from '../rows.ts'

/** What the master grants (wire.md 9), ms. */
const TOLERANCE_MS = 10_000
/** Half of all frames are taken this close to an edge of a second, ms. */
const NEAR_MS = 50
const ORIGIN = unixMs(1_790_000_000_000)
/** Frames of one slave: one a second or so, half an hour and more. */
const SLAVE_FRAMES = 2_000
/** A tenth of a million frames is sent by slaves that are too far ahead. */
const AHEAD_SHARE = 0.1
/** How often a refused frame is retried, ms, and how many times: it needs a second. */
const AGAIN_MS = 100
const AGAIN_MAX = 15

export interface Crossing {
  /** Sealed by slaves within the tolerance. */
  readonly frames: number
  /** Of those: taken less than NEAR_MS from an edge, by the slave's clock or the master's. */
  readonly near: number
  /** Never accepted, or accepted with another content. */
  readonly lost: number
  readonly refused: number
  /** Sealed by slaves one second beyond it. */
  readonly ahead: number
  /** Of those: refused at first, with SEC-02 and at no other check. */
  readonly refusedFirst: number
  /** Of those: accepted later, with the right content. */
  readonly storedLater: number
  /** A repetition of an accepted frame that was accepted again. */
  readonly twice: number
}

/** One slave and what the master knows about it. */
class Pair {
  readonly #chance: Chance
  readonly #id: Uint8Array
  readonly #device: DeviceState
  readonly #processId: Uint8Array
  #sealer: Sealer
  #sealed = 0

  constructor(seed: number, index: number) {
    this.#chance = chanceOf(seed, `slave ${index}`)
    const { bytes } = this.#chance
    this.#id = bytes(8)
    this.#processId = bytes(8)
    const transcript = bytes(32)
    const tree = plantTree(suite, bytes(32))
    this.#sealer = enterEpoch(this.#id, this.#epoch(transcript, tree), 0, null)
    const roster = emptyRoster()
    const id = toHex(this.#id)
    const nobody = { staticKey: null, psk: null, attempt: 0, revoked: false, historyFrom: null }
    putDevice(roster, { id, name: id, ...nobody })
    const device = roster.devices.get(id)
    if (device === undefined) throw new Error('broken promise: the device was put above')
    putEpoch(device, { id: 1, origin: ORIGIN, transcript, closed: false, tree })
    this.#device = device
  }

  #epoch(transcript: Uint8Array, tree: KeyTree) {
    const state = 'committed' as const
    return { id: 1, origin: ORIGIN, transcript, tree: encodeTree(tree), state }
  }

  /** Seals one reading when the slave's clock says `clock`: its frames, and the value. */
  seal(clock: number): { readonly bodies: readonly Uint8Array[]; readonly value: number } {
    this.#sealed += 1
    const value = 1_000 + this.#sealed
    const at = unixMs(clock)
    const reading = {
      meter: 'SN-100001',
      register: ACTIVE_IMPORT_TOTAL,
      value,
      exponent: 0,
      unit: UNIT.Wh,
      source: 'live',
      meterTime: null,
      checked: true,
    } as const
    const stamp = { agentTime: at, clockState: 'S', clockBound: spanMs(5), processMs: 0 } as const
    const { sealer, frames } = seal(this.#sealer, {
      suite,
      at,
      groups: [{ stamp, readings: [reading] }],
      salt: this.#chance.bytes(16),
      processId: this.#processId,
      processStart: ORIGIN,
      pad: false,
    })
    this.#sealer = sealer
    return { bodies: frames.map(({ body }) => body), value }
  }

  /** The gate's verdict when the master's clock says `now`: a fault, or the values it took. */
  judge(body: Uint8Array, now: number): string | readonly number[] {
    const timed: GateContext = {
      suite,
      device: this.#device,
      now: unixMs(now),
      timed: true,
      toleranceMs: TOLERANCE_MS,
    }
    const verdict = judge(timed, body)
    if (!verdict.ok) return verdict.fault
    install(verdict.moved)
    const { content } = verdict.frame
    if (content.kind !== 'readings') return []
    return content.groups.flatMap(({ readings }) => readings.map(({ value }) => value))
  }
}

/** A mobile network's outward delay, ms: 30 and queues, now and then a handover of up to 2 s. */
const lteMs = (chance: Chance): number =>
  30 + chance.wait(40) + (chance.happens(0.02) ? chance.between(200, 2_000) : 0)

/** The next instant of true time, at least `after`, at which a slave whose clock is `error` ahead
 * reads: anywhere, or near an edge of its seconds or, as they arrive, of the master's. */
function instant(chance: Chance, after: number, error: number, near: boolean): number {
  const any = after + chance.between(NEAR_MS, 2_000)
  if (!near) return any
  const shift = chance.happens(0.5) ? error : 0
  const edge = Math.ceil((any + shift) / 1_000) * 1_000 - shift
  return edge + chance.between(-NEAR_MS, NEAR_MS)
}

interface Counts {
  frames: number
  near: number
  lost: number
  refused: number
  ahead: number
  refusedFirst: number
  storedLater: number
  twice: number
}

/** A slave whose clock stays `error` ms ahead; what it sends arrives in order. */
function within(counts: Counts, pair: Pair, chance: Chance, error: number, frames: number): void {
  let taken: number = ORIGIN
  let arrived = taken
  for (let n = 0; n < frames; n += 1) {
    const near = n % 2 === 0
    taken = instant(chance, taken, error, near)
    const { bodies, value } = pair.seal(taken + error)
    arrived = Math.max(arrived, taken + lteMs(chance))
    counts.frames += 1
    counts.near += near ? 1 : 0
    let stored = 0
    for (const body of bodies) {
      const said = pair.judge(body, arrived)
      if (typeof said === 'string') counts.refused += 1
      else if (said.includes(value)) stored += 1
    }
    counts.lost += stored === 1 ? 0 : 1
    const last = bodies.at(-1)
    if (last !== undefined && pair.judge(last, arrived) !== 'SEC-05') counts.twice += 1
  }
}

/** A slave whose clock is a second more than the tolerance ahead of the master's when its frame
 * arrives: it retries until the frame is taken. */
function beyond(counts: Counts, pair: Pair, chance: Chance, frames: number): void {
  let now: number = ORIGIN
  for (let n = 0; n < frames; n += 1) {
    now = instant(chance, now, TOLERANCE_MS + 1_000, n % 2 === 0)
    const { bodies, value } = pair.seal(now + TOLERANCE_MS + 1_000)
    counts.ahead += 1
    let refused = false
    let stored = 0
    for (const body of bodies) {
      let said = pair.judge(body, now)
      for (let again = 0; again < AGAIN_MAX && said === 'SEC-02'; again += 1) {
        refused = true
        now += AGAIN_MS
        said = pair.judge(body, now)
      }
      if (typeof said !== 'string' && said.includes(value)) stored += 1
    }
    counts.refusedFirst += refused ? 1 : 0
    counts.storedLater += stored === 1 ? 1 : 0
    const last = bodies.at(-1)
    if (last !== undefined && pair.judge(last, now) !== 'SEC-05') counts.twice += 1
  }
}

/** `frames` frames within the tolerance, and a tenth as many beyond it. */
export function crossSeconds(frames: number, seed: number): Crossing {
  const counts: Counts = {
    frames: 0,
    near: 0,
    lost: 0,
    refused: 0,
    ahead: 0,
    refusedFirst: 0,
    storedLater: 0,
    twice: 0,
  }
  const slaves = Math.ceil(frames / SLAVE_FRAMES)
  for (let index = 0; index < slaves; index += 1) {
    const chance = chanceOf(seed, `way ${index}`)
    const count = Math.min(SLAVE_FRAMES, frames - index * SLAVE_FRAMES)
    // Evenly from one end of the tolerance to the other, both included.
    const error = slaves === 1 ? 0 : -TOLERANCE_MS + (2 * TOLERANCE_MS * index) / (slaves - 1)
    within(counts, new Pair(seed, index), chance, error, count)
    beyond(counts, new Pair(seed + 1, index), chance, Math.round(count * AHEAD_SHARE))
  }
  return counts
}

export function run(report: Report): void {
  const { frames, lost, refused, ahead, refusedFirst, storedLater, twice } = crossSeconds(
    1_000_000,
    4,
  )
  const of = `${frames} frames at clock errors of -10 to +10 s, half within 50 ms of an edge`
  report(row('clock.second.lost', [lost, frames], 'frames', of))
  report(row('clock.second.refused', [refused, frames], 'frames', of))
  report(row('clock.second.twice', [twice, frames + ahead], 'frames', 'all frames, said again'))
  const beyondOf = `${ahead} frames 11 s ahead`
  report(row('clock.second.ahead.refused', [refusedFirst, ahead], 'frames', beyondOf))
  report(row('clock.second.ahead.stored', [storedLater, ahead], 'frames', beyondOf))
}
