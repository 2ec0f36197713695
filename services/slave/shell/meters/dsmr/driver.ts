// A P1 port: the meter sends telegrams by itself; we listen.

import { overheard } from '../../../../../shared/clock/meter/edges.ts'
import type { FaultCode } from '../../../../../shared/faults.ts'
import { dsmrDecoder, type DsmrVerdict } from '../../../../../shared/meter/dsmr/dsmr.ts'
import {
  dsmrReadings,
  readableId,
  type DsmrTelegram,
} from '../../../../../shared/meter/dsmr/telegram.ts'
import type { ChecksumName } from '../../../../../shared/meter/crc16.ts'
import { type MonoUs, msToUs, spanUs } from '../../../../../shared/units.ts'
import { openLine } from '../line.ts'
import type { ClockFound, MeterLine } from '../line-event.ts'
import type { LineAddress } from '../line-url.ts'
import type { LineClock, OnLineEvent } from '../protocol.ts'
import { leftOutWatch } from './left-out.ts'

/** Longest wait for a telegram, ms: the slowest meters send every 10 s (DSMR 2.2 to 4); three
 * may be lost. */
export const SILENT_MS_MAX = 35_000

/** Greatest age of a telegram when its first byte arrives, us: meters make one every second. */
const TELEGRAM_AGE = spanUs(1_000_000)
/** Its time stamp is in whole seconds, us. */
const STAMP_RESOLUTION = spanUs(1_000_000)

interface DsmrLineOptions {
  readonly url: string
  readonly address: LineAddress
  readonly meter: string
  readonly allowUnchecked: boolean
  /** Telegrams with this checksum are taken too, marked. */
  readonly checksum: ChecksumName
  readonly standardOffsetMinutes: number
  /** The number printed on the meter; when given, telegrams of another meter are refused
   * (MTR-05). */
  readonly equipmentId: string | null
}

/** Reports each period of SILENT_MS_MAX in which nothing was heard. */
function silenceWatch(report: () => void) {
  let timer: NodeJS.Timeout | undefined
  const heard = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      report()
      heard()
    }, SILENT_MS_MAX)
  }
  return { heard, stop: () => clearTimeout(timer) }
}

/** A request for the clock waits for the next telegram, which answers it: nothing is ever sent to a
 * P1 port. */
function clockRequest(report: (found: ClockFound) => void) {
  let waiting = false
  return {
    ask() {
      waiting = true
    },
    answer(found: ClockFound) {
      if (waiting) report(found)
      waiting = false
    },
  }
}

/** The meter's clock as its telegram states it; some have no time, or one that cannot be read. */
function clockOf({ meterTime }: DsmrTelegram, at: MonoUs): ClockFound {
  if (meterTime === null) return 'unsupported'
  return overheard({
    heard: at,
    utc: msToUs(meterTime),
    resolution: STAMP_RESOLUTION,
    answer: spanUs(0),
    stale: TELEGRAM_AGE,
    status: null,
  })
}

/** Whether the number that a telegram states, as sent or as the text its hex encodes, is the one
 * that is printed on the meter. */
const isNumberOf = (sent: string, printed: string): boolean =>
  sent.toUpperCase() === printed.toUpperCase() || readableId(sent).trim() === printed.trim()

const refusalOf = ({ bytes, fits }: Extract<DsmrVerdict, { ok: false }>): string =>
  fits === undefined ? `${bytes} bytes` : `${bytes} bytes; ${fits} fits: checksum = "${fits}"`

export function openDsmrLine(
  options: DsmrLineOptions,
  onEvent: OnLineEvent,
  clock: LineClock,
): Pick<MeterLine, 'read' | 'readClock' | 'close'> {
  const { url, address, meter, equipmentId } = options
  let decoder = dsmrDecoder(options)
  let isUp = false
  const clockRequested = clockRequest((found) => onEvent({ on: 'clock-read', meter, found }))
  const fault = (code: FaultCode, detail: string) =>
    onEvent({ on: 'fault', meter, fault: code, detail })
  const tellLeftOut = leftOutWatch()
  const silence = silenceWatch(() => {
    fault('MTR-01', `no telegram for ${SILENT_MS_MAX / 1_000} s`)
    clockRequested.answer('silent')
  })

  const onTelegram = (telegram: DsmrTelegram, at: MonoUs) => {
    silence.heard()
    const sent = telegram.equipmentId ?? ''
    if (equipmentId !== null && !isNumberOf(sent, equipmentId)) {
      fault('MTR-05', `expected ${equipmentId}, heard ${sent === '' ? 'none' : readableId(sent)}`)
      return
    }
    for (const told of tellLeftOut(telegram.leftOut, at)) {
      onEvent({ on: 'fault', meter, ...told, rare: true })
    }
    const readings = dsmrReadings(telegram, meter)
    onEvent({ on: 'readings', meter, readings, request: 'push', at, more: false })
    clockRequested.answer(clockOf(telegram, at))
  }
  const onVerdict = (verdict: DsmrVerdict) => {
    if (verdict.ok) onTelegram(verdict.telegram, verdict.at)
    else fault(verdict.fault, refusalOf(verdict))
  }

  const line = openLine(address, {
    up() {
      isUp = true
      decoder = dsmrDecoder(options)
      silence.heard()
    },
    down(why) {
      isUp = false
      silence.stop()
      clockRequested.answer('silent')
      onEvent({ on: 'fault', meter: null, fault: 'MTR-06', detail: `${url}: ${why}` })
    },
    bytes(chunk) {
      for (const verdict of decoder.push(chunk, clock.mono())) onVerdict(verdict)
    },
  })

  return {
    read() {
      // The next telegram is the answer; while the line is down there will be none.
      if (!isUp) onEvent({ on: 'failed', meter, request: 'now' })
    },
    readClock() {
      clockRequested.ask()
      if (!isUp) clockRequested.answer('silent')
    },
    close() {
      silence.stop()
      return line.close()
    },
  }
}
