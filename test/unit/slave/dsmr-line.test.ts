// What a P1 line tells the operator of what it did not take: once, by name, and no more than fits.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { leftOutWatch } from '../../../services/slave/shell/meters/dsmr/left-out.ts'
import { readLine } from '../../../services/slave/shell/meters/line-config.ts'
import type { LineEvent } from '../../../services/slave/shell/meters/line-event.ts'
import { PROTOCOLS } from '../../../services/slave/shell/meters/protocols.ts'
import { concat, fromText } from '../../../shared/bytes.ts'
import { CHECKSUMS, checksumOf, crcDigits } from '../../../shared/meter/crc16.ts'
import { encodeTelegram } from '../../../shared/meter/dsmr/dsmr.ts'
import type { LeftOut } from '../../../shared/meter/dsmr/telegram.ts'
import { monoUs } from '../../../shared/units.ts'

const HOUR_US = 3_600_000_000
const LINES = [
  '/TST5\\2X-1',
  '',
  '0-0:96.1.0(3830303436393734)',
  '1-0:1.8.0(7*kWh)',
  '1-0:2.8.0(7*kcal)',
  '0-0:17.0.0(016.1*kW)',
]

/** What a line with these keys tells of these bytes, up to the last telegram's readings. */
async function told(
  t: TestContext,
  bytes: Uint8Array,
  keys: Readonly<Record<string, unknown>>,
): Promise<readonly LineEvent[]> {
  const end = concat(
    bytes,
    encodeTelegram(['/TST5\\2X-1', '0-0:96.1.0(3830303436393734)', '1-0:1.7.0(0*kW)']),
  )
  const server = createServer((socket) => socket.end(end)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => new Promise((closed) => server.close(closed)))
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const url = `tcp://127.0.0.1:${address.port}`
  const line = { url, protocol: 'dsmr', meters: ['P'], standard_offset_minutes: 60, ...keys }
  const read = readLine(line, PROTOCOLS)
  assert.ok(read.ok, JSON.stringify(read))
  const events: LineEvent[] = []
  await new Promise<void>((done) => {
    const opened = read.line.open(
      (event) => {
        if (event.on === 'fault' && event.fault === 'MTR-06') return
        events.push(event)
        const last = event.on === 'readings' ? event.readings[0]?.register : undefined
        if (last === '1-0:1.7.0*255') done()
      },
      { mono: () => monoUs(7) },
    )
    t.after(() => opened.close())
  })
  return events.slice(0, -1)
}
const faultsOf = (events: readonly LineEvent[]) =>
  events.flatMap((event) => (event.on === 'fault' ? [[event.fault, event.detail]] : []))
const repeated = (times: number, bytes: Uint8Array) =>
  concat(...Array.from({ length: times }, () => bytes))

test('registers that are not taken are named once, with code and unit', async (t) => {
  const events = await told(t, repeated(50, encodeTelegram(LINES)), {})
  assert.equal(events.filter(({ on }) => on === 'readings').length, 50)
  // So that the log has those of three hundred meters that start together.
  assert.ok(events.every((event) => event.on !== 'fault' || event.rare === true))
  assert.deepEqual(faultsOf(events), [
    ['MTR-13', '1-0:2.8.0 in kcal (unit not known)'],
    ['MTR-15', '0-0:17.0.0 in kW (not a register that is kept)'],
  ])
})

test('another checksum is named as the setting has it; with that setting it is taken', async (t) => {
  const x25 = CHECKSUMS.find(({ name }) => name === 'x-25')
  assert.ok(x25)
  const covered = fromText(`${LINES.join('\r\n')}\r\n!`)
  const bytes = concat(covered, fromText(`${crcDigits(checksumOf(x25, covered))}\r\n`))
  const detail = `${bytes.length - 2} bytes; x-25 fits: checksum = "x-25"`
  assert.deepEqual(await told(t, bytes, {}), [{ on: 'fault', meter: 'P', fault: 'MTR-14', detail }])
  const events = await told(t, bytes, { checksum: 'x-25' })
  const readings = events.flatMap((event) => (event.on === 'readings' ? event.readings : []))
  assert.deepEqual(
    readings.map(({ value, checked }) => [value, checked]),
    [[7, false]],
  )
  for (const checksum of ['none', 'crc', '']) {
    const line = { url: 'tcp://h:1', protocol: 'dsmr', meters: ['P'], checksum }
    assert.equal(readLine({ ...line, standard_offset_minutes: 60 }, PROTOCOLS).ok, false, checksum)
  }
})

test('the number under 0-0:96.1.0 is compared: hex in any case, or the text', async (t) => {
  const bytes = encodeTelegram(LINES)
  for (const equipment_id of ['80046974', '3830303436393734']) {
    const events = await told(t, bytes, { equipment_id })
    assert.ok(
      events.some(({ on }) => on === 'readings'),
      equipment_id,
    )
  }
})

test('what is remembered of a line has a limit, and each day is told again', () => {
  const watch = leftOutWatch()
  const kind = (number: number): LeftOut => ({
    fault: 'MTR-13',
    what: `1-0:${number}.8.0`,
    unit: 'x',
    why: 'unit not known',
  })
  let messages = 0
  let longest = 0
  for (let hour = 0; hour < 24; hour += 1) {
    for (let number = 0; number < 1_000; number += 1) {
      for (const { detail } of watch([kind(number)], monoUs(hour * HOUR_US))) {
        messages += 1
        longest = Math.max(longest, detail.length)
      }
    }
  }
  assert.equal(messages, 128 + 1)
  const many = Array.from({ length: 200 }, (_, number) => kind(number))
  const [again] = watch(many, monoUs(24 * HOUR_US))
  assert.equal(again?.detail.split(', ').length, 32 + 1)
  assert.ok(longest < 100)
  const fresh = leftOutWatch()
  const counts = [0, 1, 2, 3, 4, 5, 6].map(() =>
    fresh(many, monoUs(0)).map(({ detail }) => detail.split(', ').length),
  )
  assert.deepEqual(counts, [[32], [32], [32], [33], [], [], []])
})
