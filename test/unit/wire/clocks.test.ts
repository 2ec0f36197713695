// What a slave tells of clocks: the limits of STATUS's last fields and of METER CLOCK, and what the
// master does with it. wire.md 5.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MasterAction } from '../../../services/master/core/state.ts'
import { controlBody } from '../../../services/slave/core/control.ts'
import type { ClockDiscipline, MeterClockReport } from '../../../shared/clock/evidence.ts'
import { concat, Writer } from '../../../shared/bytes.ts'
import { ppm, spanMs, spanUs, unixUs } from '../../../shared/units.ts'
import { type ControlMessage, decodeControl, encodeControl } from '../../../shared/wire/control.ts'
import { DEVICE, SessionPair } from '../pairs/session-pair.ts'

const CENTURY_US = 3_155_760_000_000_000
const report: MeterClockReport = {
  meter: 'SN-1',
  offset: spanUs(-61_000_000),
  bound: spanUs(900),
  resolution: spanUs(10_000),
  frequency: ppm(4.2),
  monthlyDrift: spanMs(-61_000),
  invalid: false,
  outcome: 'synchronised',
  event: 12,
}
const discipline: ClockDiscipline = {
  frequency: null,
  skew: ppm(250),
  holdover: spanMs(0),
  steps: 0,
  lastStep: spanUs(0),
}

const reread = (message: ControlMessage) => decodeControl(encodeControl(message))
const meterClock = (changed: Partial<MeterClockReport>): MeterClockReport => {
  const read = reread({ is: 'meter-clock', ...report, ...changed })
  assert.ok(read?.is === 'meter-clock')
  return read
}
function status(changed: Partial<ClockDiscipline>): ClockDiscipline {
  const fields = { clockState: 'S', offset: spanUs(1), bound: null, roundTrip: spanUs(2) } as const
  const rest = { backlog: 0, meters: 1, faults: [], discipline: { ...discipline, ...changed } }
  const read = reread({ is: 'status', ...fields, ...rest })
  assert.ok(read?.is === 'status')
  return read.discipline
}

test('a value beyond its limit is written as the limit, or as unknown', () => {
  assert.equal(meterClock({ offset: spanUs(-9e15) }).offset, -CENTURY_US)
  assert.equal(meterClock({ offset: spanUs(1e300) }).offset, CENTURY_US)
  assert.equal(meterClock({ bound: spanUs(1e12) }).bound, 0xffff_ffff)
  assert.equal(meterClock({ frequency: ppm(10_000) }).frequency, 10_000)
  assert.equal(meterClock({ frequency: ppm(10_000.001) }).frequency, null)
  assert.equal(meterClock({ frequency: ppm(Number.NaN) }).frequency, null)
  assert.equal(status({ lastStep: spanUs(4e15) }).lastStep, CENTURY_US)
  assert.equal(status({ holdover: spanMs(9e15) }).holdover, 400 * 86_400_000)
  assert.equal(status({ skew: ppm(1e9) }).skew, 10_000)
})

/** A METER CLOCK whose fields are written one by one. */
const written = (changed: Partial<Record<string, number>>, meter = 'SN-1'): Uint8Array => {
  const field = (name: string, usual: number): number => changed[name] ?? usual
  const writer = new Writer().u8(15).u8(meter.length).bytes(new TextEncoder().encode(meter))
  writer.svarint(field('offset', 0)).uvarint(field('bound', 1)).uvarint(field('resolution', 1))
  writer.u8(field('known', 1))
  if (field('known', 1) !== 0) writer.svarint(field('frequency', 0))
  writer.svarint(field('drift', 0)).u8(field('invalid', 0)).u8(field('outcome', 0))
  return writer.u8(field('event', 0)).done()
}

test('METER CLOCK is read up to each limit and refused one beyond (wire.md 5)', () => {
  const limits = [
    ['offset', CENTURY_US],
    ['offset', -CENTURY_US],
    ['bound', 0xffff_ffff],
    ['resolution', 3_600_000_000],
    ['frequency', 10_000_000],
    ['frequency', -10_000_000],
    ['drift', CENTURY_US / 1_000],
    ['drift', -CENTURY_US / 1_000],
    ['known', 1],
    ['invalid', 1],
    ['outcome', 6],
    ['event', 12],
  ] as const
  for (const [name, most] of limits) {
    assert.notEqual(decodeControl(written({ [name]: most })), null, `${name} ${most}`)
    const beyond = most + Math.sign(most)
    assert.equal(decodeControl(written({ [name]: beyond })), null, `${name} ${beyond}`)
  }
  for (const event of [1, 9]) assert.equal(decodeControl(written({ event })), null)
  assert.notEqual(decodeControl(written({}, 'm'.repeat(32))), null)
  for (const meter of ['', 'm'.repeat(33), 'a b', '<b>']) {
    assert.equal(decodeControl(written({}, meter)), null, meter)
  }
  assert.equal(decodeControl(concat(written({}), Uint8Array.of(0))), null)
})

/** A STATUS or an ANCHOR whose fields are written one by one. */
const writtenStatus = (changed: Partial<Record<string, number>>): Uint8Array => {
  const field = (name: string, usual: number): number => changed[name] ?? usual
  const writer = new Writer().u8(8).u8('S'.charCodeAt(0)).svarint(field('offset', 0))
  writer.uvarint(field('bound', 1)).uvarint(field('round trip', 1))
  writer.uvarint(field('backlog', 0)).uvarint(field('meters', 1))
  writer.u8(1).u8(6).bytes(new TextEncoder().encode('MTR-01')).uvarint(field('count', 1))
  writer.u8(1).svarint(field('frequency', 0)).uvarint(field('skew', 0))
  writer.uvarint(field('holdover', 0)).uvarint(field('steps', 0))
  return writer.svarint(field('last step', 0)).done()
}
const writtenAnchor = (processMs: number, utc: number): Uint8Array =>
  new Writer().u8(9).bytes(new Uint8Array(8)).u48(processMs).u48(utc).u32(1).done()

test('STATUS is read up to each limit and refused one beyond (wire.md 5)', () => {
  const limits = [
    ['offset', CENTURY_US],
    ['offset', -CENTURY_US],
    ['bound', 0xffff_ffff],
    ['round trip', 0xffff_ffff],
    ['backlog', 0xffff_ffff],
    ['meters', 65_535],
    ['count', 0xffff_ffff],
    ['frequency', 10_000_000],
    ['frequency', -10_000_000],
    ['skew', 10_000_000],
    ['holdover', 400 * 86_400_000],
    ['steps', 0xffff_ffff],
    ['last step', CENTURY_US],
    ['last step', -CENTURY_US],
  ] as const
  for (const [name, most] of limits) {
    assert.notEqual(decodeControl(writtenStatus({ [name]: most })), null, `${name} ${most}`)
    const beyond = most + Math.sign(most)
    assert.equal(decodeControl(writtenStatus({ [name]: beyond })), null, `${name} ${beyond}`)
  }
})

test('an ANCHOR of a process that began before 1970 is refused (wire.md 5.3)', () => {
  const last = 2 ** 48 - 1
  assert.notEqual(decodeControl(writtenAnchor(last, last)), null)
  assert.notEqual(decodeControl(writtenAnchor(5_000, 5_000)), null)
  assert.equal(decodeControl(writtenAnchor(5_001, 5_000)), null)
  assert.equal(decodeControl(writtenAnchor(last, 1_800_000_000_000)), null)
})

/** A master with one confirmed session, and what it does about a message of that slave. */
function session() {
  const pair = new SessionPair()
  const { link, welcome } = pair.greet()
  assert.ok(welcome.outcome.is === 'welcome')
  const say = (message: ControlMessage) => {
    const body = controlBody(welcome.session, message)
    assert.ok(body !== null)
    return pair.master.step({ on: 'body', link, body }, pair.now)
  }
  const confirmed = () => {
    say({
      is: 'confirm',
      epoch: welcome.outcome.is === 'welcome' ? (welcome.outcome.epoch?.id ?? 0) : 0,
      runs: [],
    })
    return pair.master.step({ on: 'epoch-committed', link, stored: true }, pair.now)
  }
  return { pair, link, welcome, say, confirmed }
}

test('t2 of a clock reply is when the question arrived, t3 when it was answered', () => {
  const { pair, link, welcome, confirmed } = session()
  const { session: open } = welcome
  assert.ok(open.is === 'greeted')
  const read = (action: MasterAction | undefined): ControlMessage | null => {
    const opened = action?.do === 'send' ? open.channel.open(action.body) : null
    return opened?.ok === true ? decodeControl(opened.plaintext) : null
  }
  assert.equal(confirmed().map(read).at(-1)?.is, 'committed')
  const id = new Uint8Array(16).fill(9)
  const ask = (arrived?: number) => {
    const body = controlBody(open, { is: 'clock-request', id })
    assert.ok(body !== null)
    const now = { ...pair.now, ...(arrived === undefined ? {} : { arrived: unixUs(arrived) }) }
    const [sent] = pair.master.step({ on: 'body', link, body }, now)
    const reply = read(sent)
    assert.ok(reply?.is === 'clock-reply')
    return [reply.t2 - pair.now.at, reply.t3 - pair.now.at]
  }
  assert.deepEqual(ask(pair.now.at - 40_000), [-40_000, 0])
  assert.deepEqual(ask(), [0, 0])
  // Nothing arrives after it was answered.
  assert.deepEqual(ask(pair.now.at + 5), [0, 0])
})

test('the master hands METER CLOCK on with the time it came, and refuses it before COMMITTED', () => {
  const { say, confirmed } = session()
  confirmed()
  const at = 1_800_000_000_000
  assert.deepEqual(say({ is: 'meter-clock', ...report }), [
    { do: 'meter-clock', device: DEVICE, report, at },
  ])
  const early = session().say({ is: 'meter-clock', ...report })
  assert.deepEqual(
    early.flatMap((action) => (action.do === 'refused' ? [action.code] : [])),
    ['WIR-04'],
  )
})

test('more than 1,000 meter clocks a minute on one link are dropped (wire.md 5)', () => {
  const { pair, say, confirmed } = session()
  confirmed()
  const tell = (times: number): number => {
    let taken = 0
    for (let i = 0; i < times; i += 1) taken += say({ is: 'meter-clock', ...report }).length
    return taken
  }
  assert.equal(tell(1_100), 1_000)
  pair.now = { ...pair.now, at: unixUs(pair.now.at + 6_000_000) }
  assert.equal(tell(200), 100)
  // The master's clock was set back by an hour: nobody is left out for an hour.
  pair.now = { ...pair.now, at: unixUs(pair.now.at - 3_600_000_000) }
  assert.equal(tell(10), 10)
})
