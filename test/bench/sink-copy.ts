// How fast the sink makes readings durable, against the database's own fastest way to take exactly
// the same rows: one COPY per batch into the same table, in turns, in one run. Readings per second;
// a ratio of 1 would mean that positions, last values, duplicates and marks cost nothing.

import { Client, type Pool } from 'pg'
import { ReadingSink } from '../../services/billing/readings/db/sink.ts'
import type { AcceptedFrame } from '../../shared/handover/sink.ts'
import { ACTIVE_IMPORT_TOTAL } from '../../shared/meter/obis.ts'
import { type Reading, UNIT } from '../../shared/meter/reading.ts'
import { second, spanMs, unixMs } from '../../shared/units.ts'
import { testPostgres } from '../e2e/postgres.ts'
import { copyIn } from './copy.ts'
import { median, type Report } from './rows.ts'

/** Readings in one frame: a gateway of 1,000 meters. */
const FRAME_ROWS = 1_000
/** Frames handed over at once: what queues behind a running transaction under load. */
const FRAMES = 8
const TURNS = 12
const WARM_UP_TURNS = 3
const DEVICE = '00000000000000be'
const START = Date.UTC(2026, 2, 2)
const STEP_MS = 1_000

/** Rows in the frames of one turn: turns follow each other in time, odd ones are the
 * reference's. */
function framesOf(turn: number): readonly AcceptedFrame[] {
  return Array.from({ length: FRAMES }, (_, index) => {
    const sequence = turn * FRAMES + index + 1
    const at = unixMs(START + sequence * STEP_MS)
    const readings = Array.from(
      { length: FRAME_ROWS },
      (_, meter): Reading => ({
        meter: `B${meter}`,
        register: ACTIVE_IMPORT_TOTAL,
        value: sequence * 10 + meter,
        exponent: 0,
        unit: UNIT.Wh,
        source: 'live',
        meterTime: at,
        checked: true,
      }),
    )
    const stamp = { agentTime: at, clockState: 'S' as const, clockBound: spanMs(5), processMs: 1 }
    return {
      position: {
        device: DEVICE,
        epoch: 1,
        run: 1,
        sequence,
        second: second(sequence),
        hash: new Uint8Array(32),
        salt: new Uint8Array(16),
        opener: null,
      },
      receivedAt: at,
      sealedAt: at,
      latest: at,
      late: false,
      content: { kind: 'readings', groups: [{ stamp, readings }] },
    }
  })
}

/** The same rows in COPY's text format, under the ids that the sink gave to meters and register. */
function copyText(
  frames: readonly AcceptedFrame[],
  meters: ReadonlyMap<string, number>,
  register: number,
): string {
  const lines: string[] = []
  for (const { content } of frames) {
    if (content.kind !== 'readings') continue
    for (const { stamp, readings } of content.groups) {
      const at = new Date(stamp.agentTime).toISOString()
      for (const { meter, value } of readings) {
        const id = meters.get(meter) ?? 0
        lines.push(`${at}\t${id}\t${register}\t${value}\t0\t0\t${at}\t${at}\tS\t5\t1\t${at}\n`)
      }
    }
  }
  return lines.join('')
}

async function seed(pool: Pool): Promise<void> {
  await pool.query("insert into devices (id, name) values ($1, 'bench')", [DEVICE])
  await pool.query(
    "insert into epochs (device_id, id, origin, transcript, keys) values ($1, 1, now(), '', '')",
    [DEVICE],
  )
}

async function rate(rows: number, work: () => Promise<unknown>): Promise<number> {
  const from = performance.now()
  await work()
  return (rows / (performance.now() - from)) * 1_000
}

/** Rows per second of the sink and of COPY, medians over turns taken alternately. */
async function ingestRows(turns = TURNS): Promise<{ sink: number; copy: number }> {
  const postgres = await testPostgres()
  const client = new Client(postgres.server.owner)
  try {
    const { pool } = postgres.db
    await client.connect()
    await seed(pool)
    const sink = new ReadingSink(pool)
    await Promise.all(framesOf(0).map((frame) => sink.append([frame])))
    const named = await pool.query<{ id: number; number: string }>('select id, number from meters')
    const meters = new Map(named.rows.map(({ id, number }) => [number, id]))
    const register = (await pool.query<{ id: number }>('select id from registers')).rows[0]?.id ?? 0
    const ours: number[] = []
    const theirs: number[] = []
    for (let turn = 1; turn <= turns + WARM_UP_TURNS; turn += 1) {
      const frames = framesOf(turn * 2)
      const text = Buffer.from(copyText(framesOf(turn * 2 + 1), meters, register))
      const rows = FRAMES * FRAME_ROWS
      const sunk = await rate(rows, () => Promise.all(frames.map((frame) => sink.append([frame]))))
      const copied = await rate(rows, () => copyIn(client, 'readings', text))
      if (turn <= WARM_UP_TURNS) continue
      ours.push(sunk)
      theirs.push(copied)
    }
    return { sink: median(ours), copy: median(theirs) }
  } finally {
    await client.end()
    await postgres.close()
  }
}

export async function sinkCopy(report: Report): Promise<void> {
  const { sink, copy } = await ingestRows()
  report({
    bench: 'ingest.sink-copy',
    ours: sink,
    reference: copy,
    ratio: sink / copy,
    unit: 'rows/s',
    of: 'COPY of the same rows into the same table, one connection',
  })
}
