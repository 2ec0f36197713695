// Commands to devices: one at a time each, the oldest first, again in every session until a receipt
// came and is durable. wire.md 5.1.

import type { OpenCommand } from '../../../shared/handover/commands.ts'
import type { DeviceId } from '../../../shared/handover/sink.ts'
import type { Receipt } from '../../../shared/wire/orders.ts'
import { drop, type Link, sendControl, type Turn } from './links.ts'
import type { DeviceState } from './roster.ts'

/** What the master knows of one device's commands. */
export interface Orders {
  /** The oldest without a receipt. */
  open: OpenCommand | null
  /** Number sent on the link that is up now. */
  sent: number
  /** Number whose receipt is on its way to the disk; 0: none is. */
  storing: number
  /** Highest number whose receipt is durable: it may be told again, and an older look at the open
   * ones may still show it. */
  receipted: number
}

export const noOrders = (): Orders => ({ open: null, sent: 0, storing: 0, receipted: 0 })

/** Takes over the oldest open command of every device; new ones go out on links that are up. */
export function takeOrders(turn: Turn, commands: readonly OpenCommand[]): void {
  const open = new Map(commands.map((command) => [command.device, command]))
  for (const device of turn.roster.devices.values()) {
    const command = open.get(device.record.id) ?? null
    device.orders.open =
      command === null || command.number <= device.orders.receipted ? null : command
    const link = device.link === null ? undefined : turn.links.get(device.link)
    if (link !== undefined) sendOrder(turn, link, device)
  }
}

/** A new session begins: what is open is sent again. */
export function sendOrderAgain(turn: Turn, link: Link, device: DeviceState): void {
  device.orders.sent = 0
  sendOrder(turn, link, device)
}

function sendOrder(turn: Turn, link: Link, { record, orders }: DeviceState): void {
  const { open } = orders
  if (open === null || link.phase.is !== 'open' || orders.sent === open.number) return
  const { number, expires, what } = open
  orders.sent = number
  sendControl(turn, link, { is: 'command', number, expires, what })
  turn.actions.push({ do: 'command-sent', device: record.id, number })
}

export function takeReceipt(turn: Turn, { record, orders }: DeviceState, receipt: Receipt): void {
  const { number, outcome, detail } = receipt
  // Told twice: our command and its receipt crossed on the line.
  if (number <= orders.receipted || number === orders.storing) return
  if (number !== orders.sent) {
    turn.actions.push({ do: 'refused', device: record.id, code: 'WIR-04' })
    return
  }
  orders.storing = number
  turn.actions.push({ do: 'receipt', device: record.id, receipt: { number, outcome, detail } })
}

/** A receipt is durable, or could not be stored: then the next session brings it again. */
export function settleReceipt(
  turn: Turn,
  { device: id, number, durable }: { device: DeviceId; number: number; durable: boolean },
): void {
  const device = turn.roster.devices.get(id)
  if (device === undefined || device.orders.storing !== number) return
  const { orders } = device
  orders.storing = 0
  if (durable) {
    orders.receipted = number
    if (orders.open?.number === number) orders.open = null
  } else if (device.link !== null) drop(turn, device.link, 'OPS-08')
}
