// A meter protocol as the rest of the slave sees it: a descriptor that says which settings a line
// of it has, what its meters can do, and how such a line is opened. Configuration, runner and
// schedule ask the descriptor; nothing compares protocol names.
//
// A driver has a function for each ability that its descriptor claims; the compiler checks that.
// What the meters cannot do is answered here, in the same way for every protocol.

import { z } from 'zod'
import type { ProfileMinutes } from '../../../../shared/meter/profile.ts'
import type { MonoUs } from '../../../../shared/units.ts'
import { firstMistake, type Mistake } from '../mistake.ts'
import type { LineEvent, MeterLine } from './line-event.ts'
import type { LineAddress } from './line-url.ts'

interface Abilities {
  /** A reading can be asked for; without this the slave waits for what the meter sends. */
  readonly poll: boolean
  /** The meter sends readings by itself. */
  readonly push: boolean
  /** The load profile can be read by range: its usual interval, minutes. Null: it cannot. */
  readonly profile: ProfileMinutes | null
  readonly clockRead: boolean
  readonly clockSet: boolean
  /** The meter's event log can be read. No line asks for it yet. */
  readonly events: boolean
}

/** What the meters of a protocol can do. They give readings in one way at least, and a clock that
 * can be set can be read: what became of a change is found out by reading. */
export type MeterAbilities = Abilities &
  ({ readonly poll: true } | { readonly push: true }) &
  ({ readonly clockSet: false } | { readonly clockRead: true })

/** The functions a driver must have for these abilities. */
type Claimed<Can extends MeterAbilities> =
  | (Can['poll'] extends false ? never : 'read')
  | (Can['profile'] extends null ? never : 'readHistory')
  | (Can['clockRead'] extends false ? never : 'readClock')
  | (Can['clockSet'] extends false ? never : 'changeClock')

type AnyDriver = Pick<MeterLine, 'close'> & Partial<MeterLine>
export type LineDriver<Can extends MeterAbilities> = AnyDriver & Pick<MeterLine, Claimed<Can>>

export type OnLineEvent = (event: LineEvent) => void
export interface LineClock {
  mono(): MonoUs
}

/** What every line has, whatever its protocol. */
export interface LineSetup {
  /** As configured: names the line in messages to the operator. */
  readonly url: string
  readonly address: LineAddress
  /** At least one, all different. */
  readonly meters: readonly string[]
  /** Standard (winter) time of the meters' calendar, minutes east of UTC. */
  readonly standardOffsetMinutes: number
}

type SettingsOf<Shape extends z.ZodRawShape> = z.output<z.ZodObject<Shape, z.core.$strict>>

export interface ProtocolDescriptor<Shape extends z.ZodRawShape, Can extends MeterAbilities> {
  /** The value of `protocol` in the configuration. */
  readonly name: string
  /** What messages call its line: "a P1 port has no load profile". */
  readonly title: string
  /** The keys of a [[line]] that only this protocol has. */
  readonly settings: Shape
  readonly can: Can
  /** Its messages state civil time: the line must say how far standard time is from UTC. */
  readonly civilTime: boolean
  /** What is wrong with the meters of a line; null: nothing. */
  readonly refuse?: (meters: readonly string[]) => string | null
  readonly open: (
    line: LineSetup & { readonly settings: SettingsOf<Shape> },
    onEvent: OnLineEvent,
    clock: LineClock,
  ) => LineDriver<Can>
}

export type OpenLine = (line: LineSetup, onEvent: OnLineEvent, clock: LineClock) => MeterLine

/** A descriptor whose kinds of settings and abilities no longer matter: what tables hold. */
export interface MeterProtocol {
  readonly name: string
  readonly title: string
  readonly can: MeterAbilities
  readonly civilTime: boolean
  refuse(meters: readonly string[]): string | null
  /** Reads the protocol's own settings; with them its lines can be opened. */
  configure(
    settings: Readonly<Record<string, unknown>>,
  ): { readonly ok: true; readonly open: OpenLine } | Mistake
}

/** Makes a protocol of its descriptor. */
export function meterProtocol<const Shape extends z.ZodRawShape, const Can extends MeterAbilities>(
  descriptor: ProtocolDescriptor<Shape, Can>,
): MeterProtocol {
  const { name, title, can, civilTime, refuse = () => null } = descriptor
  const shape = z.strictObject(descriptor.settings)
  return {
    name,
    title,
    can,
    civilTime,
    refuse,
    configure(own) {
      const read = shape.safeParse(own)
      if (!read.success) return firstMistake(read.error)
      const settings = read.data
      const open: OpenLine = (line, onEvent, clock) =>
        complete(descriptor.open({ ...line, settings }, onEvent, clock), title, onEvent)
      return { ok: true, open }
    },
  }
}

/** The driver, and an answer to whatever its meters cannot do. */
function complete(driver: AnyDriver, title: string, onEvent: OnLineEvent): MeterLine {
  const noProfile = (meter: string): void => {
    const detail = `a ${title} has no load profile`
    onEvent({ on: 'fault', meter, fault: 'MTR-09', detail })
    onEvent({ on: 'failed', meter, request: 'history' })
  }
  return {
    // A meter that cannot be asked speaks by itself: its next message is the answer.
    read: (meter) => driver.read?.(meter),
    readHistory(meter, from, to, rowsMax) {
      if (driver.readHistory === undefined) noProfile(meter)
      else driver.readHistory(meter, from, to, rowsMax)
    },
    readClock(meter) {
      if (driver.readClock !== undefined) driver.readClock(meter)
      else onEvent({ on: 'clock-read', meter, found: 'unsupported' })
    },
    changeClock(meter, change, at) {
      if (driver.changeClock !== undefined) driver.changeClock(meter, change, at)
      else onEvent({ on: 'clock-changed', meter, became: 'unsupported' })
    },
    close: () => driver.close(),
  }
}
