// A small true history for the rules to be tried on: one slave that seals, stores and sends what
// its meter said. Each forgery changes one thing of it.

import type { Sealer } from '../../services/slave/core/state/sealing.ts'
import { plantTree, encodeTree } from '../../shared/tves/tree.ts'
import { nodeSuite } from '../../shared/node/node-suite.ts'
import type { AcceptedFrame } from '../../shared/handover/sink.ts'
import { ACTIVE_IMPORT_TOTAL } from '../../shared/meter/obis.ts'
import { type Reading, UNIT } from '../../shared/meter/reading.ts'
import { type UnixMs, spanMs, unixMs } from '../../shared/units.ts'
import { enterEpoch, leaveRun, seal } from '../../services/slave/core/capture/sealer.ts'
import type { StoredFrame } from '../../services/slave/core/state/stored.ts'
import { Observer } from './checkers.ts'
import type { Sometimes } from './sometimes.ts'

export const DEVICE = '0000000000000001'
const BEGIN = unixMs(1_800_000_000_000)
const INTERVAL_MS = 900_000
const PROCESS = 1

/** One reading of a load profile, `number` intervals after the begin. */
export const interval = (number: number, value = 100 + number): Reading => ({
  meter: 'M-1',
  register: ACTIVE_IMPORT_TOTAL,
  value,
  exponent: 0,
  unit: UNIT.Wh,
  source: 'profile',
  meterTime: unixMs(BEGIN + number * INTERVAL_MS),
  checked: true,
})

export class History {
  readonly seen: Sometimes[] = []
  readonly observer = new Observer((name) => this.seen.push(name))
  /** Every frame stored, in order, and what it says. */
  readonly frames: { readonly stored: StoredFrame; readonly content: AcceptedFrame['content'] }[] =
    []
  #sealer: Sealer
  #at: UnixMs = BEGIN

  constructor() {
    const secret = new Uint8Array(32).fill(7)
    const epoch = {
      id: 1,
      origin: BEGIN,
      transcript: new Uint8Array(32).fill(9),
      tree: encodeTree(plantTree(nodeSuite, secret)),
      state: 'committed',
    } as const
    this.#sealer = enterEpoch(Uint8Array.fromHex(DEVICE), epoch, 0, null)
  }

  /** The meter says it, and the slave seals and stores it: an opener first, where a run begins.
   * Without `commits` it never reaches the disk. */
  store(
    readings: readonly Reading[],
    { said = true, clockErrorMs = 0, commits = true } = {},
  ): readonly StoredFrame[] {
    this.#at = unixMs(this.#at + 1_000)
    const processMs = this.#at - BEGIN
    const came = { device: DEVICE, process: PROCESS, processMs, unawareMs: 0, elder: false }
    if (said) this.observer.meterSaid({ ...came, at: this.#at * 1_000 }, readings)
    const agentTime = unixMs(this.#at + clockErrorMs)
    const stamp = { agentTime, clockState: 'S', clockBound: spanMs(20), processMs } as const
    const { sealer, frames } = seal(this.#sealer, {
      suite: this.observer.watch(nodeSuite, true),
      at: agentTime,
      groups: [{ stamp, readings }],
      salt: new Uint8Array(16).fill(this.#sealer.highestRun + 1),
      processId: new Uint8Array(8),
      processStart: BEGIN,
      pad: false,
    })
    if (!commits) return frames
    this.#sealer = sealer
    this.observer.committed(DEVICE, PROCESS, frames, () => BEGIN)
    for (const stored of frames) {
      const opens = stored.sequence === 0
      const content = opens
        ? ({ kind: 'opener', process: '00' } as const)
        : ({ kind: 'readings', groups: [{ stamp, readings }] } as const)
      this.frames.push({ stored, content })
    }
    return frames
  }

  leave(): void {
    this.#sealer = leaveRun(this.#sealer)
  }

  /** A frame as the master hands it on; what is given instead is the forgery. */
  accepted(
    number: number,
    forged: Partial<AcceptedFrame['position']> & { content?: AcceptedFrame['content'] } = {},
  ): AcceptedFrame {
    const frame = this.frames[number]
    if (frame === undefined) throw new Error(`no frame ${number} was stored`)
    const { content = frame.content, ...position } = forged
    const { epoch, run, sequence, second, hash } = frame.stored
    const place = { device: DEVICE, epoch, run, sequence, second, hash }
    return {
      position: { ...place, salt: new Uint8Array(16), opener: null, ...position },
      receivedAt: this.#at,
      sealedAt: this.#at,
      latest: this.#at,
      late: false,
      content,
    }
  }

  take(number: number, forged: Parameters<History['accepted']>[1] = {}): void {
    this.observer.takes(this.accepted(number, forged), true)
  }
}
