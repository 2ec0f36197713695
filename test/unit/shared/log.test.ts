import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { faultLine } from '../../../shared/faults.ts'
import { openLog } from '../../../shared/node/log.ts'

test('a fault is one JSON line with code, meaning and remedy, at its own severity', () => {
  const lines: string[] = []
  const log = openLog({ pretty: false, nowMs: () => 0, write: (line) => lines.push(line) })
  log.child({ meter: 'ED-1' }).fault('MTR-01', 'no answer')
  log.fault('OPS-06', '')
  const [first, second] = lines.map((line): unknown => JSON.parse(line))
  assert.ok(typeof first === 'object' && first !== null && 'time' in first)
  assert.deepEqual(
    { ...first, time: '' },
    {
      level: 40,
      time: '',
      meter: 'ED-1',
      fault: 'MTR-01',
      msg: faultLine('MTR-01', 'no answer'),
    },
  )
  assert.ok(typeof second === 'object' && second !== null && 'level' in second)
  assert.equal(second.level, 55)
})

test('a flood of one fault is 6 lines a minute, the rest counted; other faults are still logged', () => {
  const lines: string[] = []
  let now = 0
  const log = openLog({ pretty: false, nowMs: () => now, write: (line) => lines.push(line) })
  for (let n = 0; n < 1_000; n += 1) log.fault('MTR-08', `${n} bytes`)
  assert.equal(lines.length, 6)
  log.fault('MTR-01', '')
  assert.equal(lines.length, 7)
  now = 60_000
  log.fault('MTR-08', 'again')
  assert.match(lines[7] ?? '', /"unwritten":994/)
  log.fault('MTR-08', 'again')
  assert.doesNotMatch(lines[8] ?? '', /unwritten/)
})

test('what is reported seldom is written however many report it, and counts for no flood', () => {
  const lines: string[] = []
  const log = openLog({ pretty: false, nowMs: () => 0, write: (line) => lines.push(line) })
  for (let meter = 0; meter < 300; meter += 1) log.fault('MTR-13', 'x', { meter: `${meter}` }, true)
  assert.equal(lines.length, 300)
  log.fault('MTR-13', 'y')
  assert.equal(lines.length, 301)
})

test('for a terminal: time, level, text, fields', () => {
  const lines: string[] = []
  const log = openLog({ pretty: true, nowMs: () => 0, write: (line) => lines.push(line) })
  log.info('status', { linked: true, waiting: 3 })
  const line = stripVTControlCharacters(lines[0] ?? '')
  assert.match(line, /^\d\d:\d\d:\d\d info  status {2}linked=true {2}waiting=3\n$/)
})
