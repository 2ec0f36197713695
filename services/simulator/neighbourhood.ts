// The people, homes and meters of the demo: invented, the same at every start.

import type { DeviceId } from '../../shared/handover/sink.ts'
import { type Ppm, ppm, type SpanUs, spanUs, type UnixMs } from '../../shared/units.ts'
import type { CivilDate } from '../billing/civil/calendar.ts'
import { DEMO_TARIFF } from './demo-tariff.ts'
import { type SimulatedMeter, simulatedMeter } from './simulated-meter.ts'

export const DEMO_METERS = 100
export const DEMO_SLAVES = 5
export const DEMO_ZONE = 'Asia/Kolkata'
/** Digits of the simulated register, in Wh: it rolls over at 10,000 MWh. */
const REGISTER_DIGITS = 10
/** When everybody moved in: long before the demo begins. */
const SINCE = '2024-01-01'

const GIVEN = [
  ['Aarav', 'Diya', 'Ishaan', 'Kavya', 'Rohan', 'Meera', 'Arjun', 'Sneha', 'Vikram', 'Anaya'],
  ['Farhan', 'Leena', 'Nikhil', 'Pooja', 'Samir', 'Tara', 'Uday', 'Zoya', 'Harish', 'Jaya'],
].flat()
const FAMILY = [
  ['Deshmukh', 'Kulkarni', 'Patil', 'Joshi', 'Shaikh', 'Iyer', 'Pawar', 'Fernandes', 'Gokhale'],
  ['Naik', 'Bhosale', 'Chavan', 'Rao', 'Menon', 'Kadam', 'Sawant', 'More', 'Thakur', 'Jadhav'],
].flat()
const STREETS = ['Lake View Road', 'Station Road', 'Temple Lane', 'Mango Grove', 'Hill Street']

const at = <T>(list: readonly T[], index: number, otherwise: T): T =>
  list[index % list.length] ?? otherwise

export interface Home {
  readonly meter: SimulatedMeter
  readonly customer: string
  readonly name: string
  readonly address: string
  readonly email: string
  readonly phone: string
  /** Number of its slave, 0..DEMO_SLAVES - 1. */
  readonly slave: number
}

export function homes(): readonly Home[] {
  return Array.from({ length: DEMO_METERS }, (_, index) => {
    const given = at(GIVEN, index, 'Asha')
    const family = at(FAMILY, index * 7, 'Rao')
    const number = String(index + 1).padStart(3, '0')
    return {
      meter: simulatedMeter(`LP-${1_000 + index + 1}`, index + 1),
      customer: `C-${number}`,
      name: `${given} ${family}`,
      address: `${(index % 40) + 1} ${at(STREETS, index, 'Lake View Road')}, Lakeside 411001`,
      email: `${given}.${family}.${number}@lakeside.example`.toLowerCase(),
      phone: `+9198765${String(10_000 + index)}`,
      slave: index % DEMO_SLAVES,
    }
  })
}

/** The slave whose meters' clocks are corrected lightly; the others only watch theirs. */
export const LIGHT_SLAVE = 0
/** Good crystals, ppm either way. */
const CRYSTAL_PPM = 5
/** Clocks with a story, by home, all behind the slave that corrects: one it corrects (20 s), one
 * with a bad crystal (40 ppm), one for the operator (75 s), one beyond correction (5 h). They
 * are ahead, so that their load profiles are never late. */
const STORIES: ReadonlyMap<number, { readonly seconds: number; readonly rate: number }> = new Map([
  [5, { seconds: 20, rate: 2 }],
  [10, { seconds: 3, rate: 40 }],
  [15, { seconds: 75, rate: -3 }],
  [20, { seconds: 5 * 3_600, rate: 4 }],
])

/** Of these, the clocks beyond the limit of a bill: two bills wait until somebody sets the clock
 * (BIL-21). */
export const HELD_BILLS = 2

/** How far the clock of home number `index` is off, and how fast it runs. */
export function crystalOf(index: number): { readonly offset: SpanUs; readonly rate: Ppm } {
  const story = STORIES.get(index)
  if (story !== undefined) return { offset: spanUs(story.seconds * 1e6), rate: ppm(story.rate) }
  // Evenly spread within half a second: these are never corrected.
  const spread = ((index * 37) % 101) / 50 - 1
  return { offset: spanUs(Math.round(spread * 400_000)), rate: ppm(spread * CRYSTAL_PPM) }
}

/** What the billing server must know about them. `devices`: the slaves, in order; `billedFrom`: the
 * first day that the demo has readings of. */
export function registrationOf(
  devices: readonly DeviceId[],
  installedFrom: UnixMs,
  billedFrom: CivilDate,
) {
  const all = homes()
  const point = (home: Home): string => `SP-${home.customer.slice(2)}`
  return {
    customers: all.map(({ customer, name, address, email, phone }) => ({
      number: customer,
      name,
      address,
      email,
      phone,
    })),
    servicePoints: all.map((home) => ({
      code: point(home),
      address: home.address,
      zone: DEMO_ZONE,
    })),
    meters: all.map(({ meter, slave }) => ({
      number: meter.number,
      device: devices[slave] ?? null,
      digits: REGISTER_DIGITS,
    })),
    installations: all.map((home) => ({
      meter: home.meter.number,
      servicePoint: point(home),
      from: installedFrom,
    })),
    contracts: all.map((home) => ({
      customer: home.customer,
      servicePoint: point(home),
      tariff: DEMO_TARIFF.code,
      from: SINCE,
      billedFrom,
    })),
  }
}
