// Reports clocks to the fleet board, one report at a time, each written at once: for the tests of
// what is stored and what is shown.

import { Fleet } from '../../services/billing/fleet/db/board.ts'
import type { Db } from '../../services/billing/store/pool.ts'
import type {
  ClockDiscipline,
  HeadClockReport,
  MeterClockReport,
  SourceReport,
} from '../../shared/clock/evidence.ts'
import { ppm, spanMs, spanUs, type UnixMs, unixMs } from '../../shared/units.ts'

export const SLAVE = '00000000000000a0'

const DISCIPLINE: ClockDiscipline = {
  frequency: ppm(-12.345),
  skew: ppm(0.05),
  holdover: spanMs(4_000),
  steps: 0,
  lastStep: spanUs(0),
}

/** A slave's report: `fastUs` is how far its clock is ahead of UTC. */
export interface SlaveSays {
  readonly device?: string
  readonly state?: 'U' | 'I' | 'S' | 'R'
  readonly fastUs?: number
  readonly boundUs?: number | null
  readonly discipline?: Partial<ClockDiscipline>
}

const METER: MeterClockReport = {
  meter: 'M-1',
  offset: spanUs(120_000),
  bound: spanUs(900),
  resolution: spanUs(10_000),
  frequency: ppm(4.2),
  monthlyDrift: spanMs(-800),
  invalid: false,
  outcome: 'none',
  event: null,
}

const source = (name: string, changed: Partial<SourceReport> = {}): SourceReport => ({
  name,
  kind: 'ntp',
  mark: '+',
  stratum: 2,
  poll: 6,
  reach: 0o377,
  lastSample: spanMs(23_000),
  offset: spanUs(112),
  bound: spanUs(9_400),
  roundTripDelay: spanUs(18_000),
  note: '',
  ...changed,
})

export const headReport = (
  at: number,
  changed: Partial<HeadClockReport> = {},
): HeadClockReport => ({
  at: unixMs(at),
  state: 'S',
  reference: 'ntp1.example',
  stratum: 3,
  leap: 'normal',
  systemOffset: spanUs(-41),
  lastOffset: spanUs(112),
  rmsOffset: spanUs(203),
  bound: spanUs(9_400),
  discipline: { ...DISCIPLINE, frequency: ppm(3.214) },
  rootDelay: spanUs(18_312),
  rootDispersion: spanUs(240),
  sources: [
    source('ntp1.example', { mark: '*', kind: 'nts' }),
    source('ntp2.example'),
    source('ntp3.example', { offset: spanUs(-340) }),
  ],
  ...changed,
})

export const withLiar = (report: HeadClockReport): HeadClockReport => ({
  ...report,
  sources: [
    ...report.sources.slice(0, 2),
    source('ntp3.example', { mark: 'x', offset: spanUs(5_000_112), note: 'CLK-10 5.0 s off' }),
    source('gps.example', {
      mark: '?',
      stratum: 0,
      reach: 0,
      lastSample: null,
      offset: null,
      bound: null,
      roundTripDelay: null,
      note: 'CLK-12 no answer',
    }),
  ],
})

/** Reports and writes. */
export function teller({ pool }: Pick<Db, 'pool'>) {
  const lines: string[] = []
  const tell = async (say: (fleet: Fleet) => void | Promise<void>): Promise<void> => {
    const fleet = new Fleet(pool, (line) => lines.push(line))
    await say(fleet)
    await fleet.close()
  }
  return {
    /** Complaints of the board. */
    lines,
    tell,
    slave: (at: number, says: SlaveSays = {}) =>
      tell((fleet) => slaveSays(fleet, unixMs(at), says)),
    meter: (at: number, changed: Partial<MeterClockReport> = {}, device = SLAVE) =>
      tell((fleet) => meterSays(fleet, unixMs(at), changed, device)),
  }
}

export function slaveSays(fleet: Fleet, at: UnixMs, says: SlaveSays): void {
  const { device = SLAVE, state = 'S', fastUs = 0, boundUs = 2_500, discipline = {} } = says
  fleet.status(device, {
    at,
    clockState: state,
    clockOffset: spanUs(-fastUs),
    clockBound: boundUs === null ? null : spanUs(boundUs),
    roundTripDelay: spanUs(800),
    backlogFrames: 0,
    meters: 2,
    faults: new Map(),
    discipline: { ...DISCIPLINE, ...discipline },
  })
}

export function meterSays(
  fleet: Fleet,
  at: UnixMs,
  changed: Partial<MeterClockReport> = {},
  device = SLAVE,
): void {
  fleet.meterClock(device, { ...METER, ...changed }, at)
}
