// Readings on their way into a table, column by column: `readings` itself, or rival_readings beside
// it.

import type { Stamp } from '../../../../shared/clock/clock-state.ts'
import type { AcceptedFrame } from '../../../../shared/handover/sink.ts'
import type { Reading } from '../../../../shared/meter/reading.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import {
  charArray,
  int2Array,
  int4Array,
  int8Array,
  timestampArray,
} from '../../store/binary-arrays.ts'
import { SOURCE_NUMBER } from './source-numbers.ts'

/** The place in a stream where something was said. */
export interface Place {
  readonly device: string
  readonly epoch: number
  readonly run: number
  readonly sequence: number
  /** Number within the frame. */
  readonly item: number
}

export const placeOf = ({ position }: AcceptedFrame, item: number): Place => ({
  device: position.device,
  epoch: position.epoch,
  run: position.run,
  sequence: position.sequence,
  item,
})

/** A reading that becomes a row. */
export interface NewRow {
  readonly at: UnixMs
  readonly meter: number
  readonly register: number
  readonly quality: number
  readonly reading: Reading
  readonly stamp: Stamp
  /** Number of the device that brought it. */
  readonly deviceNo: number
  readonly frame: AcceptedFrame
  readonly item: number
}

export class ReadingRows {
  readonly at: number[] = []
  readonly meter: number[] = []
  readonly register: number[] = []
  readonly value: number[] = []
  readonly source: number[] = []
  readonly quality: number[] = []
  readonly agentTime: number[] = []
  readonly meterTime: (number | null)[] = []
  readonly clockState: string[] = []
  readonly clockBound: number[] = []
  readonly deviceNo: number[] = []
  readonly sealedAt: number[] = []
  /** Where each row came from: asked for only when something is to be said of it. */
  readonly frame: AcceptedFrame[] = []
  readonly item: number[] = []

  get length(): number {
    return this.at.length
  }

  add(row: NewRow): void {
    const { at, meter, register, quality, reading, stamp, deviceNo, frame, item } = row
    this.at.push(at)
    this.meter.push(meter)
    this.register.push(register)
    this.value.push(reading.value)
    this.source.push(SOURCE_NUMBER[reading.source])
    this.quality.push(quality)
    this.agentTime.push(stamp.agentTime)
    this.meterTime.push(reading.meterTime)
    this.clockState.push(stamp.clockState)
    this.clockBound.push(Math.ceil(stamp.clockBound))
    this.deviceNo.push(deviceNo)
    this.sealedAt.push(frame.sealedAt)
    this.frame.push(frame)
    this.item.push(item)
  }
}

export const READING_COLUMNS = `ts, meter_id, register_id, value, source, quality, agent_ts,
  meter_ts, clock_state, clock_bound_ms, device_no, sealed_at`

/** What `readingColumns` fills, in the order of READING_COLUMNS. */
export const READING_ARRAYS = `$1::timestamptz[], $2::int4[], $3::int2[], $4::int8[], $5::int2[],
  $6::int2[], $7::timestamptz[], $8::timestamptz[], $9::"char"[], $10::int8[], $11::int4[],
  $12::timestamptz[]`

export const readingColumns = (rows: ReadingRows): readonly Buffer[] => [
  timestampArray(rows.at),
  int4Array(rows.meter),
  int2Array(rows.register),
  int8Array(rows.value),
  int2Array(rows.source),
  int2Array(rows.quality),
  timestampArray(rows.agentTime),
  timestampArray(rows.meterTime),
  charArray(rows.clockState),
  int8Array(rows.clockBound),
  int4Array(rows.deviceNo),
  timestampArray(rows.sealedAt),
]
