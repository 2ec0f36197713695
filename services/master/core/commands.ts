// Commands to devices: one at a time for each device, the oldest first, sent again in every session
// until its receipt is durable. wire.md 5.1.

import type { OpenCommand } from '../../../shared/handover/commands.ts'
import type { DeviceId } from '../../../shared/handover/sink.ts'
import type { Receipt } from '../../../shared/wire/commands.ts'
import { drop, sendControl } from './links.ts'
import type { CommandState, DeviceState, Link, Owned, Turn } from './state.ts'

/** Takes over the oldest open command of every device; new ones go out on links that are up. */
export function takeCommands(turn: Turn, commands: readonly OpenCommand[]): void {
  const open = new Map(commands.map((command) => [command.device, command]))
  for (const device of turn.roster.devices.values()) {
    putOpen(device.commands, open.get(device.record.id) ?? null)
    const link = device.link === null ? undefined : turn.links.get(device.link)
    if (link !== undefined) sendCommand(turn, link, device.record.id, device.commands)
  }
}

function putOpen(own: Owned<CommandState>, command: OpenCommand | null): void {
  own.open = command === null || command.number <= own.receipted ? null : command
}

/** A new session begins: what is open is sent again. */
export function sendCommandAgain(turn: Turn, link: Link, { record, commands }: DeviceState): void {
  const own: Owned<CommandState> = commands
  own.sent = 0
  sendCommand(turn, link, record.id, own)
}

function sendCommand(turn: Turn, link: Link, device: DeviceId, own: Owned<CommandState>): void {
  const { open } = own
  if (open === null || link.phase.is !== 'open' || own.sent === open.number) return
  const { number, expires, what } = open
  own.sent = number
  sendControl(turn, link, { is: 'command', number, expires, what })
  turn.actions.push({ do: 'command-sent', device, number })
}

export function takeReceipt(turn: Turn, { record, commands }: DeviceState, receipt: Receipt): void {
  const { number, outcome, detail } = receipt
  const own: Owned<CommandState> = commands
  // A repetition: our command and its receipt crossed on the line.
  if (number <= own.receipted || number === own.storing) return
  if (number !== own.sent) {
    turn.actions.push({ do: 'refused', device: record.id, code: 'WIR-04' })
    return
  }
  own.storing = number
  turn.actions.push({ do: 'receipt', device: record.id, receipt: { number, outcome, detail } })
}

/** A receipt is durable, or could not be stored; the next session then brings it again. */
export function settleReceipt(
  turn: Turn,
  { device: id, number, durable }: { device: DeviceId; number: number; durable: boolean },
): void {
  const device = turn.roster.devices.get(id)
  if (device === undefined || device.commands.storing !== number) return
  const own: Owned<CommandState> = device.commands
  own.storing = 0
  if (durable) {
    own.receipted = number
    if (own.open?.number === number) own.open = null
  } else if (device.link !== null) drop(turn, device.link, 'OPS-08')
}
