// Commands to devices: the master reads them here and returns their receipts. wire.md 5.1.

import type { UnixMs } from '../units.ts'
import type { CommandTask, Receipt } from '../wire/commands.ts'
import type { DeviceId } from './sink.ts'

export interface OpenCommand {
  readonly device: DeviceId
  /** Grows with every command of a device. */
  readonly number: number
  readonly expires: UnixMs
  readonly what: CommandTask
}

export interface Commands {
  /** Grows with every command given and every receipt. */
  revision(): Promise<number>
  /** The oldest command of each device that has no receipt yet, expired or not. */
  open(): Promise<readonly OpenCommand[]>
  /** Notes that it was sent; only the first time is kept. */
  sent(device: DeviceId, number: number): Promise<void>
  /** Resolves when the receipt is durable. The first receipt of a command stands. */
  receipt(device: DeviceId, receipt: Receipt): Promise<void>
}
