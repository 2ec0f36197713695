// Which first messages of sessions were answered already. Step 1 can be recorded and sent again,
// and each copy would cost a whole answer and hold a place among the handshakes in flight. An
// honest caller makes a new ephemeral key for each call, so the second message with the same key is
// a copy, known as one before anything is computed.
//
// Only messages that authenticated are remembered, under the device that made them, and a device's
// newest push out its own oldest alone: nobody without keys can fill this memory, and no device can
// make us forget another's.

import { toHex } from '../../../shared/bytes.ts'
import type { DeviceId } from '../../../shared/handover/sink.ts'
import { STEPS_REMEMBERED } from '../../../shared/wire/limits.ts'

/** Devices whose steps are remembered, the one that called longest ago forgotten first: 20,000 with
 * 16 steps each take 40 MB. A head-end has 15,000 links. */
const DEVICES_MAX = 20_000
/** The ephemeral key comes first in the message. */
const KEY_BYTES = 32

const nameOf = (noise: Uint8Array): string => toHex(noise.subarray(0, KEY_BYTES))

export class RecentSteps {
  readonly #callers = new Map<string, { readonly device: DeviceId; readonly twice: boolean }>()
  /** Oldest first, devices as well as the steps of each. */
  readonly #steps = new Map<DeviceId, readonly string[]>()

  /** Steps remembered. */
  get size(): number {
    return this.#callers.size
  }

  /** The device that made this message, when it was answered before; `twice`: more than once. */
  callerOf(noise: Uint8Array): { readonly device: DeviceId; readonly twice: boolean } | null {
    return this.#callers.get(nameOf(noise)) ?? null
  }

  /** This message authenticated as the device's, and is about to be answered. */
  remember(noise: Uint8Array, device: DeviceId): void {
    const name = nameOf(noise)
    if (this.#callers.has(name)) {
      this.#callers.set(name, { device, twice: true })
      return
    }
    const steps = [...(this.#steps.get(device) ?? []), name]
    this.#callers.set(name, { device, twice: false })
    for (const old of steps.splice(0, steps.length - STEPS_REMEMBERED)) this.#callers.delete(old)
    this.#steps.delete(device)
    this.#steps.set(device, steps)
    const [quietest] = this.#steps.keys()
    if (this.#steps.size > DEVICES_MAX && quietest !== undefined) this.#forget(quietest)
  }

  #forget(device: DeviceId): void {
    for (const name of this.#steps.get(device) ?? []) this.#callers.delete(name)
    this.#steps.delete(device)
  }
}
