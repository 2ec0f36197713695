// `ticklock revoke --stolen-since`, `set-aside` and `adopt`, as an operator gives them to a running
// head-end.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Process, WholeWay } from './whole-way.ts'

const FROM = '2026-03-15T12:00:00Z'

let way: WholeWay
before(async () => {
  way = await WholeWay.open()
})
after(() => way.close())

const run = (...args: string[]) => new Process(args, way.env).ended

test('what a stolen device sealed is set aside with its revocation, and lifted again', async () => {
  const { device } = await way.register('attic', null)
  const plain = await run('revoke', 'attic')
  assert.equal(plain.code, 0, plain.output)
  assert.match(plain.output, /^ticklock set-aside [0-9a-f]{16} --from TIME --reason TEXT$/m)
  const stolen = await run('revoke', 'attic', '--stolen-since', FROM, '--reason', 'broken into')
  assert.equal(stolen.code, 0, stolen.output)
  assert.match(stolen.output, /^range 1: what attic sealed from 2026-03-15T12:00:00Z on$/m)
  const ranges = () =>
    way.rows(
      `select device_id, from_at, to_at, reason, lifted_at is null as holds, lifted_reason
       from set_aside order by number`,
    )
  const range = { device_id: device, from_at: new Date(FROM), to_at: null, reason: 'broken into' }
  assert.deepEqual(await ranges(), [{ ...range, holds: true, lifted_reason: null }])
  const lifted = await run('set-aside', 'attic', '--lift', '1', '--reason', 'a mistake')
  assert.equal(lifted.code, 0, lifted.output)
  assert.deepEqual(await ranges(), [{ ...range, holds: false, lifted_reason: 'a mistake' }])
  for (const [wrong, said] of [
    [['--lift', '1', '--reason', 'again'], /OPS-12 .*no range 1 that still holds/],
    [['--from', FROM], /OPS-12 .*a reason is missing/],
    [['--from', '2026-03-15', '--reason', 'x'], /OPS-12 .*no time such as/],
    [['--from', FROM, '--to', FROM, '--reason', 'x'], /OPS-12 .*not after/],
  ] as const) {
    const { code, output } = await run('set-aside', 'attic', ...wrong)
    assert.equal(code, 1)
    assert.match(output, said)
  }
})

test('a meter is adopted for the device that reported it, or for the one that is named', async () => {
  const [{ device: first }, { device: right }] = [
    await way.register('first', null),
    await way.register('right', null),
  ]
  await way.rows("insert into meters (number, device_id) values ('M1', $1), ('M2', $1)", [first])
  const own = await run('adopt', 'M1')
  assert.equal(own.code, 0, own.output)
  const named = await run('adopt', 'M2', 'right')
  assert.match(named.output, new RegExp(`^meter M2 is read by right \\(${right}\\)`, 'm'))
  assert.deepEqual(
    await way.rows(
      'select number, device_id, adopted_at is not null as adopted from meters order by number',
    ),
    [
      { number: 'M1', device_id: first, adopted: true },
      { number: 'M2', device_id: right, adopted: true },
    ],
  )
  const alarms = await way.rows("select device_id, meter from exceptions where code = 'SEC-13'")
  assert.deepEqual(alarms, [{ device_id: first, meter: 'M2' }])
  assert.match((await run('adopt', 'M9')).output, /BIL-05 .*M9/)
})
