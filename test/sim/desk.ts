// Commands to the slaves of one world, and what became of them. Each slave's disk tells the story
// of every number: begun once, an outcome once. A receipt in the ledger says what that story says,
// or that nobody knows.

import type { OpenCommand } from '../../shared/handover/commands.ts'
import type { DeviceId } from '../../shared/handover/sink.ts'
import type { UnixMs } from '../../shared/units.ts'
import type { CommandTask, Receipt } from '../../shared/wire/commands.ts'
import type { StoredCommand } from '../../services/slave/core/state/stored.ts'
import { hold } from './hold.ts'
import type { Sometimes } from './sometimes.ts'

export class Desk {
  #given: OpenCommand[] = []
  /** By device and number: everything ever given, also what a restored ledger forgot. */
  readonly #ever = new Set<string>()
  #receipts = new Map<string, Receipt>()
  /** By device: the last number begun. */
  readonly #begun = new Map<DeviceId, number>()
  /** By device and number: the outcome on the slave's disk. */
  readonly #outcomes = new Map<string, StoredCommand>()
  readonly #sometimes: (name: Sometimes) => void

  constructor(sometimes: (name: Sometimes) => void) {
    this.#sometimes = sometimes
  }

  /** A number is at least the UTC in milliseconds, so that a restored ledger never gives one
   * twice (wire.md 5.1). */
  give(
    device: DeviceId,
    what: CommandTask,
    at: { readonly now: UnixMs; readonly expires: UnixMs },
  ): void {
    const last = this.#given.findLast((command) => command.device === device)?.number ?? 0
    const number = Math.max(last + 1, Math.floor(at.now))
    this.#ever.add(`${device} ${number}`)
    this.#given.push({ device, number, expires: at.expires, what })
  }

  /** The oldest command of each device without a receipt. */
  open(): readonly OpenCommand[] {
    const open = new Map<DeviceId, OpenCommand>()
    for (const command of this.#given) {
      const answered = this.#receipts.has(`${command.device} ${command.number}`)
      if (!answered && !open.has(command.device)) open.set(command.device, command)
    }
    return [...open.values()]
  }

  /** A slave's disk took this. */
  stored(device: DeviceId, command: StoredCommand): void {
    const { number, outcome } = command
    const key = `${device} ${number}`
    hold(this.#ever.has(key), 'command of a stranger', `${key} was never given`)
    if (outcome === 'begun') {
      const before = this.#begun.get(device) ?? 0
      hold(number > before, 'command twice', `${key} is begun after ${before}`)
      this.#begun.set(device, number)
      return
    }
    const known = this.#outcomes.get(key)
    hold(known === undefined, 'command twice', `${key} ends as ${known?.outcome}, then ${outcome}`)
    this.#outcomes.set(key, command)
  }

  /** The ledger takes a receipt; the first of a number stands. */
  take(device: DeviceId, receipt: Receipt): void {
    const key = `${device} ${receipt.number}`
    const known = this.#outcomes.get(key)
    const { outcome, detail } = receipt
    const told = known?.outcome === outcome && known.detail === detail
    hold(told || outcome === 'unknown', 'receipt', `${key} is ${known?.outcome}, not ${outcome}`)
    if (this.#receipts.has(key)) return
    this.#receipts.set(key, receipt)
    if (outcome === 'done') this.#sometimes('command done')
    if (outcome === 'unknown') this.#sometimes('command unknown')
    if (detail === 'OPS-17') this.#sometimes('command expired')
    if (detail === 'BIL-05') this.#sometimes('command refused')
  }

  /** The ledger as it is now; what comes back says that it is like that again. */
  backup(): () => void {
    const [given, receipts] = [[...this.#given], new Map(this.#receipts)]
    return () => {
      this.#given = [...given]
      this.#receipts = new Map(receipts)
    }
  }
}
