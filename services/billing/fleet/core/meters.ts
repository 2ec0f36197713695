// Meters as operators see them: where each hangs, what it said last, and what is wrong with it.

import type { UnixMs } from '../../../../shared/units.ts'
import { METER_FAR_OFF_US } from '../../clocks/core/clock-marks.ts'

/** What the list of meters can be narrowed to, and the words of a meter's state. */
export const METER_STATES = {
  unassigned: 'seen and not assigned yet',
  installed: 'installed',
  silent: 'silent',
  'clock-wrong': 'clock wrong',
  'not-adopted': 'not adopted',
} as const
export type MeterState = keyof typeof METER_STATES
export const isMeterState = (text: string): text is MeterState => Object.hasOwn(METER_STATES, text)

/** What is wrong with a meter, the worst first: everything that keeps a device from being green. */
export const METER_TROUBLES = ['clock-wrong', 'silent', 'not-adopted'] as const
export type MeterTrouble = (typeof METER_TROUBLES)[number]

export interface MeterClock {
  /** V: its readings are valid, X: they are not (B0). */
  readonly state: string
  /** The meter's clock minus UTC. */
  readonly offsetUs: number
  readonly boundUs: number | null
  readonly at: UnixMs
}

/** Whether a meter's clock is so wrong that its times cannot be used. */
export const isClockWrong = ({ state, offsetUs, boundUs }: MeterClock): boolean =>
  state === 'X' || Math.abs(offsetUs) - (boundUs ?? 0) > METER_FAR_OFF_US

export interface NewestValue {
  readonly obis: string
  readonly value: number
  readonly exponent: number
  readonly unit: number
  readonly at: UnixMs
}

export interface MeterListRow {
  readonly id: number
  readonly number: string
  readonly make: string
  readonly medium: string
  readonly createdAt: UnixMs
  readonly device: { readonly id: string; readonly name: string } | null
  readonly adopted: boolean
  /** Where it hangs now; null: nowhere. */
  readonly place: { readonly id: number; readonly code: string } | null
  /** Its total, or else its first register; null: it never said anything. */
  readonly newest: NewestValue | null
  /** Since when it is silent; null: it is not. */
  readonly silentSince: UnixMs | null
  readonly clock: MeterClock | null
}

/** What is wrong with it, the worst first. */
export function troublesOf(row: Omit<MeterListRow, 'createdAt'>): readonly MeterTrouble[] {
  const troubles: Readonly<Record<MeterTrouble, boolean>> = {
    'clock-wrong': row.clock !== null && isClockWrong(row.clock),
    silent: row.silentSince !== null,
    'not-adopted': !row.adopted && row.device !== null,
  }
  return METER_TROUBLES.filter((trouble) => troubles[trouble])
}

export interface Hanging {
  readonly id: number
  readonly place: { readonly id: number; readonly code: string; readonly zone: string }
  readonly from: UnixMs
  readonly to: UnixMs | null
  /** The meter that it stands behind. */
  readonly main: { readonly id: number; readonly number: string } | null
}

export interface MeterRegister extends NewestValue {
  readonly id: number
  readonly quality: number
  readonly clockState: string
  readonly clockBoundMs: number
  readonly heardAt: UnixMs
  /** Usual wait between two news, seconds; null: not known. */
  readonly usualS: number | null
  readonly dueAt: UnixMs
}

export interface MeterView extends MeterListRow {
  readonly version: number
  readonly digits: number | null
  readonly multiplier: number
  readonly billedBy: readonly string[] | null
  readonly adoptedBy: string | null
  readonly adoptedAt: UnixMs | null
  readonly hangings: readonly Hanging[]
  readonly registers: readonly MeterRegister[]
  /** Exceptions about it, newest first. */
  readonly exceptions: readonly {
    readonly at: UnixMs
    readonly code: string
    readonly detail: string
  }[]
}
