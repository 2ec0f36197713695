// What a slave reports of itself and of its meters' clocks: handed on for operators to see, and so
// that readings can be dated. Nothing here decides about a frame.

import { toHex } from '../../../shared/bytes.ts'
import { type FaultCode, isFaultCode } from '../../../shared/faults.ts'
import { spanMs, usToMs } from '../../../shared/units.ts'
import type { ControlMessage } from '../../../shared/wire/control.ts'
import { METER_CLOCKS_PER_MINUTE } from '../../../shared/wire/limits.ts'
import type { DeviceState, Link, Owned, Turn } from './state.ts'

const MINUTE_US = 60_000_000
const METER_CLOCK_US = MINUTE_US / METER_CLOCKS_PER_MINUTE

type Message<Is extends ControlMessage['is']> = Extract<ControlMessage, { is: Is }>

/** An anchor may come late, never from the future: one that does is wrong (CLK-02). */
export function takeAnchor(
  { setup, now, actions }: Turn,
  { record }: DeviceState,
  { processId, processMs, utc, bound }: Message<'anchor'>,
): void {
  const ahead = utc - bound - usToMs(now.at) - setup.toleranceSeconds * 1_000
  if (now.bound !== null && ahead > 0) {
    actions.push({ do: 'refused', device: record.id, code: 'CLK-02' })
    return
  }
  const anchor = { process: toHex(processId), processMs, utc, bound: spanMs(bound) }
  actions.push({ do: 'anchor', device: record.id, anchor })
}

export function takeStatus(
  { now, actions }: Turn,
  device: DeviceState,
  message: Message<'status'>,
): void {
  const faults = new Map<FaultCode, number>()
  for (const { code, count } of message.faults) if (isFaultCode(code)) faults.set(code, count)
  const { clockState, offset, bound, roundTrip, backlog, meters, discipline } = message
  actions.push({
    do: 'status',
    device: device.record.id,
    status: {
      at: usToMs(now.at),
      clockState,
      clockOffset: offset,
      clockBound: bound,
      roundTripDelay: roundTrip,
      backlogFrames: backlog,
      meters,
      faults,
      discipline,
    },
  })
}

/** A link that reports more than every meter once a minute is ignored until the minute is over: a
 * meter's newest report is the one that counts, and more would only cost us. */
export function takeMeterClock(
  { now, actions }: Turn,
  link: Owned<Link>,
  { record }: DeviceState,
  message: Message<'meter-clock'>,
): void {
  // More than a minute ahead: our clock was set back, and the count starts over.
  const ahead = link.meterClocksUntil - now.at
  const from = ahead < 0 || ahead > MINUTE_US ? now.at : link.meterClocksUntil
  if (from + METER_CLOCK_US - now.at > MINUTE_US) return
  link.meterClocksUntil = from + METER_CLOCK_US
  const { meter, offset, bound, resolution, frequency, monthlyDrift, invalid } = message
  const { outcome, event } = message
  const read = { meter, offset, bound, resolution, frequency, monthlyDrift, invalid }
  const report = { ...read, outcome, event }
  actions.push({ do: 'meter-clock', device: record.id, report, at: usToMs(now.at) })
}
