// SEM meters on a line: carries out the actions of poll.ts.

import { SEM_BODY_BYTES_MAX } from '../../../../../shared/meter/sem/sem.ts'
import { elapsedUs, spanUs, spanUsToMs, type SpanUs } from '../../../../../shared/units.ts'
import { openLine } from '../line.ts'
import type { MeterLine } from '../line-event.ts'
import { bitsPerByte, type LineAddress } from '../line-url.ts'
import type { LineClock, OnLineEvent } from '../protocol.ts'
import { semPoll, type PollAction } from './poll.ts'

/** A device server forwards the longest answer within this time, at any rate behind it, us. */
const TCP_ANSWER_US = spanUs(10_000_000)

/** How long the longest answer takes on the line, with a tenth for pauses between characters. */
export function longestAnswerUs(address: LineAddress): SpanUs {
  if (address.kind === 'tcp') return TCP_ANSWER_US
  const bits = SEM_BODY_BYTES_MAX * bitsPerByte(address)
  return spanUs(Math.ceil((bits / address.baudRate) * 1_100_000))
}

/** 0 for a device server: it does not reveal its rate. */
const byteTimeUs = (address: LineAddress): SpanUs =>
  spanUs(address.kind === 'tcp' ? 0 : (bitsPerByte(address) / address.baudRate) * 1_000_000)

export function openSemLine(
  options: {
    readonly url: string
    readonly address: LineAddress
    readonly meters: readonly string[]
    readonly allowUnchecked: boolean
  },
  onEvent: OnLineEvent,
  clock: LineClock,
): MeterLine {
  const { url, address, meters, allowUnchecked } = options
  const answerUs = longestAnswerUs(address)
  const poll = semPoll({ meters, allowUnchecked, answerUs, byteUs: byteTimeUs(address) })
  let timer: NodeJS.Timeout | undefined
  let open = true

  const perform = (actions: readonly PollAction[]) => {
    for (const action of actions) {
      if (!open) return
      if (action.do === 'send') line.write(action.bytes)
      else onEvent(action.event)
    }
    clearTimeout(timer)
    const wakeAt = poll.wakeAt()
    if (wakeAt === null || !open) return
    const waitMs = Math.ceil(spanUsToMs(elapsedUs(clock.mono(), wakeAt)))
    timer = setTimeout(() => perform(poll.wake(clock.mono())), Math.max(1, waitMs))
  }

  const line = openLine(address, {
    up: () => perform(poll.lineUp(clock.mono())),
    down: (why) => {
      onEvent({ on: 'fault', meter: null, fault: 'MTR-06', detail: `${url}: ${why}` })
      perform(poll.lineDown())
    },
    bytes: (chunk) => perform(poll.heard(chunk, clock.mono())),
  })

  return {
    read: (meter) => perform(poll.read(meter, clock.mono())),
    readHistory: (meter, from, to, rowsMax) =>
      perform(poll.readHistory({ meter, from, to, rowsMax }, clock.mono())),
    readClock: (meter) => perform(poll.readClock(meter, clock.mono())),
    changeClock: (meter, change, at) =>
      perform(poll.changeClock({ meter, change, at }, clock.mono())),
    close() {
      open = false
      clearTimeout(timer)
      return line.close()
    },
  }
}
