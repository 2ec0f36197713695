import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readLine } from '../../../services/slave/shell/meters/line-config.ts'
import { parseLineUrl } from '../../../services/slave/shell/meters/line-url.ts'
import { PROTOCOLS } from '../../../services/slave/shell/meters/protocols.ts'
import { longestAnswerUs } from '../../../services/slave/shell/meters/sem/driver.ts'

const LINE = {
  url: 'tcp://127.0.0.1:4001',
  protocol: 'sem',
  meters: ['A'],
  standard_offset_minutes: 60,
}

/** A line with these keys changed: as read, or what is wrong with it. */
function lineWith(changes: Readonly<Record<string, unknown>>) {
  const read = readLine({ ...LINE, ...changes }, PROTOCOLS)
  return read.ok ? read.line : `${read.path.join('.')}: ${read.detail}`
}

test('line URLs that are accepted (docs/meters.md 3)', () => {
  const serial = { kind: 'serial', dataBits: 8, parity: 'none', stopBits: 1 }
  for (const [url, address] of [
    ['serial:/dev/ttyUSB0', { ...serial, path: '/dev/ttyUSB0', baudRate: 9_600 }],
    ['serial:/dev/pts/4?baud=115200', { ...serial, path: '/dev/pts/4', baudRate: 115_200 }],
    [
      'serial:/dev/serial/by-id/usb-1.0?baud=300&format=7E1',
      {
        kind: 'serial',
        path: '/dev/serial/by-id/usb-1.0',
        baudRate: 300,
        dataBits: 7,
        parity: 'even',
        stopBits: 1,
      },
    ],
    [
      'serial:COM3?format=8O2',
      { kind: 'serial', path: 'COM3', baudRate: 9_600, dataBits: 8, parity: 'odd', stopBits: 2 },
    ],
    ['tcp://192.0.2.7:4001', { kind: 'tcp', host: '192.0.2.7', port: 4_001 }],
    ['tcp://[2001:db8::1]:65535', { kind: 'tcp', host: '2001:db8::1', port: 65_535 }],
    ['tcp://gateway-2.example:1', { kind: 'tcp', host: 'gateway-2.example', port: 1 }],
  ] as const) {
    assert.deepEqual(parseLineUrl(url), { ok: true, address }, url)
  }
})

test('line URLs that are refused: OPS-05 names the wrong part (docs/meters.md 3)', () => {
  for (const [url, part] of [
    ['', 'neither'],
    ['/dev/ttyUSB0', 'neither'],
    ['serial:ttyUSB0', 'neither'],
    ['serial:/dev/ttyUSB0?baud=9601', 'baud=9601'],
    ['serial:/dev/ttyUSB0?baud=', 'baud='],
    ['serial:/dev/ttyUSB0?baud=9600&baud=300', 'twice'],
    ['serial:/dev/ttyUSB0?format=9N1', 'format=9N1'],
    ['serial:/dev/ttyUSB0?format=8M1', 'format=8M1'],
    ['serial:/dev/ttyUSB0?speed=9600', 'speed'],
    ['tcp://host', 'neither'],
    ['tcp://host:0', 'port 0'],
    ['tcp://host:65536', 'port 65536'],
    ['udp://host:1', 'neither'],
    ['tcp://user@host:1', 'neither'],
  ] as const) {
    const verdict = parseLineUrl(url)
    assert.ok(!verdict.ok && verdict.fault === 'OPS-05', url)
    assert.ok(verdict.detail.includes(part), `${url}: ${verdict.detail}`)
  }
})

test('a line has 1 to 250 different meters with valid numbers; a P1 port has one', () => {
  const numbers = (count: number) => Array.from({ length: count }, (_, index) => `M${index}`)
  const isTaken = (changes: Readonly<Record<string, unknown>>) =>
    typeof lineWith(changes) !== 'string'
  assert.equal(isTaken({}), true)
  assert.equal(isTaken({ meters: [] }), false)
  assert.equal(isTaken({ meters: numbers(250) }), true)
  assert.equal(isTaken({ meters: numbers(251) }), false)
  assert.equal(isTaken({ meters: ['A', 'A'] }), false)
  assert.equal(isTaken({ meters: ['*'] }), false)
  assert.equal(isTaken({ protocol: 'dsmr' }), true)
  assert.equal(isTaken({ protocol: 'dsmr', meters: numbers(2) }), false)
  assert.equal(isTaken({ protocol: 'dsmr', meters: ['x'.repeat(30)] }), true)
  assert.equal(isTaken({ protocol: 'dsmr', meters: ['x'.repeat(31)] }), false)
  assert.equal(isTaken({ protocol: 'dsmr', standard_offset_minutes: 841 }), false)
  assert.equal(isTaken({ protocol: 'dsmr', standard_offset_minutes: 0.5 }), false)
})

test('the longest answer at 9600 8N1 is 40,920 bits and a tenth: 4.7 s', () => {
  const verdict = parseLineUrl('serial:/dev/ttyS0?baud=9600')
  assert.ok(verdict.ok)
  assert.equal(longestAnswerUs(verdict.address), 4_688_750)
})

test('the interval of the load profile belongs to the line: 1, 5, 10, 15, 30 or 60 min', () => {
  const interval = (changes: Readonly<Record<string, unknown>>) => {
    const line = lineWith(changes)
    return typeof line === 'string' ? line : line.profileIntervalMs
  }
  assert.equal(interval({}), 900_000, 'SEM implies 15 min')
  for (const minutes of [1, 5, 10, 15, 30, 60]) {
    assert.equal(interval({ interval: minutes }), minutes * 60_000)
  }
  for (const wrong of [0, 2, 14, 20, 61, 7.5, '15']) {
    assert.match(String(interval({ interval: wrong })), /^interval: .*1\|5\|10\|15\|30\|60/)
  }
  assert.equal(interval({ protocol: 'dsmr' }), null)
  const port = interval({ protocol: 'dsmr', interval: 15 })
  assert.equal(port, 'interval: a P1 port has no load profile to read')
})

test('a line asks of its meters only what the protocol can do', () => {
  const port = { protocol: 'dsmr' }
  assert.equal(
    lineWith({ ...port, history: true }),
    'history: a P1 port has no load profile to read',
  )
  assert.equal(
    lineWith({ ...port, clock: 'light' }),
    'clock: a P1 port has no clock that could be set',
  )
  assert.equal(
    lineWith({ ...port, standard_offset_minutes: undefined }),
    ': a dsmr line needs standard_offset_minutes, winter time east of UTC',
  )
  const line = lineWith({ ...port, history: false })
  assert.ok(typeof line !== 'string' && !line.history)
})

test('files that worked before still do: keys that only another protocol uses', () => {
  const line = lineWith({ equipment_id: 'X', allow_unchecked: true, standard_offset_minutes: 900 })
  assert.ok(typeof line !== 'string')
  assert.equal(line.standardOffsetMinutes, 900)
})

test('an unknown protocol: the mistake names those that exist', () => {
  assert.equal(
    lineWith({ protocol: 'modbus' }),
    'protocol: "modbus" is none of the protocols: sem, dsmr',
  )
  assert.equal(
    lineWith({ protocol: undefined }),
    'protocol: no name is none of the protocols: sem, dsmr',
  )
  assert.equal(lineWith({ protocol: 7 }), 'protocol: 7 is none of the protocols: sem, dsmr')
})
