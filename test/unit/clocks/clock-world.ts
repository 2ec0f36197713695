// Made-up clocks for the pages: a slave that was moved by three minutes, with one invalid meter,
// and a head-end with a liar among its sources.

import type { ClockFigures } from '../../../services/billing/clocks/db/figures.ts'
import type { ClockReads } from '../../../services/billing/clocks/db/reads.ts'
import type { ClockPoint } from '../../../services/billing/clocks/core/clock-plot.ts'
import type { ClockRow } from '../../../services/billing/clocks/core/views.ts'
import { ppm, shiftMs, spanMs, spanUs, type UnixMs } from '../../../shared/units.ts'

export const CLOCK_FIGURES: ClockFigures = {
  head: null,
  slaves: { states: { S: 2, R: 0, I: 0, U: 0 }, boundMedianMs: 3, boundMaxMs: 8.7, heldOver: 0 },
  meters: { known: 73, off: 0, invalid: 1 },
  events: { step: 1 },
}

const MINUTE = 60_000
const PULLED_US = 180_000_000

export function clockWorld(
  now: UnixMs,
  names: { readonly device: string; readonly hostile: string },
): ClockReads {
  const ago = (minutes: number): UnixMs => shiftMs(now, spanMs(-minutes * MINUTE))
  const own: ClockRow = {
    device: names.device,
    meter: '',
    at: ago(0.1),
    state: 'S',
    offsetUs: 412,
    boundUs: 3_100,
    frequencyPpb: -12_345,
    skewPpb: 50,
    holdoverMs: 21 * MINUTE,
    steps: 1,
    lastStepUs: -PULLED_US,
    resolutionUs: null,
    monthlyDriftMs: null,
    outcome: null,
    event: null,
  }
  const meter: ClockRow = {
    ...own,
    meter: '2026000417',
    state: 'X',
    offsetUs: 5 * 3_600_000_000,
    boundUs: null,
    steps: 0,
    lastStepUs: 0,
    resolutionUs: 10_000,
    monthlyDriftMs: -61_000,
    outcome: 'rejected',
    event: 10,
  }
  const quiet: ClockPoint = { at: ago(600), state: 'S', offsetUs: 300, boundUs: 2_000 }
  const points: readonly ClockPoint[] = [
    ...Array.from({ length: 30 }, (_, i) => ({ ...quiet, at: ago(600 - i * 15) })),
    { at: ago(150), state: 'R', offsetUs: PULLED_US, boundUs: PULLED_US },
    { at: ago(140), state: 'U', offsetUs: PULLED_US, boundUs: null },
    { ...quiet, at: ago(130) },
    own,
  ]
  return {
    clock: async ({ device, meter: number }) => {
      if (device === names.device && number === meter.meter) {
        return { clock: meter, points: [{ ...meter, at: ago(90) }], events: [] }
      }
      if (number !== '' || (device !== '' && device !== names.device)) return null
      return {
        clock: { ...own, device },
        points,
        events: [
          { at: ago(149), meter: '', code: 'step', amountUs: -PULLED_US, detail: '' },
          { at: ago(150), meter: meter.meter, code: '12', amountUs: 9, detail: 'synchronised' },
          { at: ago(160), meter: '', code: 'from-tomorrow', amountUs: null, detail: names.hostile },
        ],
      }
    },
    meterClocks: async (device) => (device === names.device ? [meter] : []),
    headClock: async () => ({
      at: ago(0),
      state: 'S',
      reference: names.hostile,
      stratum: 3,
      leap: 'normal',
      systemOffset: spanUs(-41),
      lastOffset: spanUs(112),
      rmsOffset: spanUs(203),
      bound: spanUs(9_400),
      discipline: {
        frequency: ppm(3.214),
        skew: ppm(0.05),
        holdover: spanMs(23_000),
        steps: 0,
        lastStep: spanUs(0),
      },
      rootDelay: spanUs(18_312),
      rootDispersion: spanUs(240),
      sources: [
        {
          name: names.hostile,
          kind: 'nts',
          mark: 'x',
          stratum: 2,
          poll: 6,
          reach: 0o377,
          lastSample: spanMs(23_000),
          offset: spanUs(5_000_112),
          bound: spanUs(9_400),
          roundTripDelay: null,
          note: '5 s off',
        },
      ],
    }),
  }
}
