// The ledger behind the master: devices, tokens, epochs, positions and rows. It keeps the promises
// of shared/handover: a batch is durable as a whole or not at all, and handing it over again
// changes nothing.

import { equalConstantTime } from '../../shared/bytes.ts'
import type {
  DeviceRecord,
  EpochRecord,
  StoredKeys,
  TokenRecord,
} from '../../shared/handover/roster.ts'
import type { AcceptedFrame, DeviceId, StreamPosition } from '../../shared/handover/sink.ts'
import type { RosterContent } from '../../services/master/core/master.ts'
import type { MasterAction } from '../../services/master/core/state.ts'

type Action<Do extends MasterAction['do']> = Extract<MasterAction, { do: Do }>

export const streamKey = (at: { device: string; epoch: number; run: number }): string =>
  `${at.device} ${at.epoch} ${at.run}`

export class Ledger {
  /** Grows when it is set back: a statement made before that is void. */
  life = 0
  /** Called when a device enrols under a token that it had burnt before. */
  onAgain: () => void = () => undefined
  readonly devices = new Map<DeviceId, DeviceRecord>()
  readonly tokens = new Map<string, TokenRecord>()
  readonly epochs = new Map<string, EpochRecord>()
  readonly positions = new Map<string, StreamPosition>()
  /** Epochs that are drained, by their key in `epochs`. */
  readonly drained = new Map<string, true>()
  /** Sees every frame that a batch brings, known or new. */
  readonly #onFrame: (frame: AcceptedFrame, sure: boolean) => void

  constructor(onFrame: (frame: AcceptedFrame, sure: boolean) => void) {
    this.#onFrame = onFrame
  }

  content(): RosterContent {
    return {
      devices: [...this.devices.values()],
      tokens: [...this.tokens.values()],
      epochs: [...this.epochs].flatMap(([key, epoch]) => (this.drained.has(key) ? [] : [epoch])),
      positions: [...this.positions.values()].filter(
        ({ device, epoch }) => !this.drained.has(`${device} ${epoch}`),
      ),
    }
  }

  /** Everything as it is now; what comes back restores it. */
  backup(): () => void {
    const copies = [
      copyOf(this.devices),
      copyOf(this.tokens),
      copyOf(this.epochs),
      copyOf(this.positions),
      copyOf(this.drained),
    ]
    return () => {
      for (const restore of copies) restore()
      this.life += 1
    }
  }

  /** `sure`: a master that judges frames from now on knows of it. */
  append({ frames }: Action<'append'>, sure = true): void {
    for (const frame of frames) {
      this.#onFrame(frame, sure)
      const key = streamKey(frame.position)
      const known = this.positions.get(key)
      if (known === undefined || frame.position.sequence > known.sequence) {
        this.positions.set(key, frame.position)
      }
    }
  }

  enrol({ token, device, staticKey, psk, attempt }: Action<'enrol'>): 'stored' | 'conflict' {
    const held = this.tokens.get(token)
    const record = this.devices.get(device)
    if (held === undefined || record === undefined) return 'conflict'
    const other = held.burntBy !== null && !equalConstantTime(held.burntBy, staticKey)
    if (other || attempt <= record.attempt) return 'conflict'
    if (held.burntBy !== null) this.onAgain()
    this.tokens.set(token, { ...held, burntBy: staticKey })
    this.devices.set(device, { ...record, staticKey, psk, attempt })
    return 'stored'
  }

  /** The key under which a device's last CONFIRM came. */
  calledUnder(device: DeviceId, tag: Uint8Array): void {
    const record = this.devices.get(device)
    if (record !== undefined) this.devices.set(device, { ...record, masterKey: tag })
  }

  commitEpoch({ device, id, origin, transcript, keys }: Action<'commit-epoch'>): void {
    const key = `${device} ${id}`
    if (this.epochs.has(key)) return
    for (const [other, epoch] of this.epochs) {
      if (epoch.device === device) this.epochs.set(other, { ...epoch, closed: true })
    }
    this.epochs.set(key, { device, id, origin, transcript, keys, closed: false })
  }

  /** Its keys are kept: no world lasts as long as the grace. */
  drain({ device, epoch, keys }: Action<'drain'>): void {
    this.puncture({ device, epoch, keys })
    this.drained.set(`${device} ${epoch}`, true)
  }

  recall({ device, epochs }: Action<'recall'>): {
    readonly epochs: readonly EpochRecord[]
    readonly positions: readonly StreamPosition[]
  } {
    const found = epochs.flatMap((id) => {
      const key = `${device} ${id}`
      const epoch = this.drained.has(key) ? this.epochs.get(key) : undefined
      return epoch === undefined ? [] : [epoch]
    })
    const positions = [...this.positions.values()].filter(
      (at) => at.device === device && found.some(({ id }) => id === at.epoch),
    )
    return { epochs: found, positions }
  }

  revive({ device, epoch, keys }: Action<'revive'>): void {
    this.puncture({ device, epoch, keys })
    this.drained.delete(`${device} ${epoch}`)
  }

  puncture({ device, epoch, keys }: StoredKeys): void {
    const key = `${device} ${epoch}`
    const known = this.epochs.get(key)
    if (known !== undefined) this.epochs.set(key, { ...known, keys })
  }
}

function copyOf<Key, Value>(map: Map<Key, Value>): () => void {
  const copy = new Map(map)
  return () => {
    map.clear()
    for (const [key, value] of copy) map.set(key, value)
  }
}
