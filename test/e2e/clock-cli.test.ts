// `ticklock clock` against a running embedded database, as an operator calls it.

import assert from 'node:assert/strict'
import { symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { unixMs } from '../../shared/units.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'
import { headReport, teller, withLiar } from './clock-story.ts'
import { seed } from './web-seed.ts'
import { Process } from './whole-way.ts'

let postgres: TestPostgres
let env: NodeJS.ProcessEnv
before(async () => {
  postgres = await testPostgres()
  // Where the command looks for the database of a running head-end.
  const data = dirname(postgres.folder)
  symlinkSync(postgres.folder, join(data, 'postgresql'))
  env = { TICKLOCK_DATA: data }
  await seed(postgres.db)
})
after(() => postgres.close())

const clock = async (...words: string[]) => {
  const { code, output } = await new Process(['clock', ...words], env).ended
  return { code, output }
}

test('the head-end in the words of chronyc, then its sources, then a line for each slave', async () => {
  const { code, output } = await clock()
  assert.equal(code, 0, output)
  for (const line of [
    /^Reference ID {4}: ntp1\.example$/m,
    /^Stratum {9}: 3$/m,
    /^Ref time \(UTC\) {2}: Thu, 18 Jun 2026 06:29:56$/m,
    /^System time {5}: 0\.000041000 seconds fast of NTP time$/m,
    /^Last offset {5}: -0\.000112000 seconds$/m,
    /^RMS offset {6}: 0\.000203000 seconds$/m,
    /^Frequency {7}: 3\.214 ppm slow$/m,
    /^Skew {12}: 0\.050 ppm$/m,
    /^Root delay {6}: 0\.018312000 seconds$/m,
    /^Root dispersion : 0\.000240000 seconds$/m,
    /^Leap status {5}: Normal$/m,
    /^Bound {11}: 0\.009400000 seconds$/m,
    /^MS Name +Stratum +Poll +Reach +LastRx +Last sample +Note$/m,
    /^\^\* ntp1\.example +2 +6 +377 +23 s +−112 µs +\+\/- 9\.4 ms$/m,
    /^\^x ntp3\.example +2 +6 +377 +23 s +−5 s +\+\/- 9\.4 ms +CLK-10 5\.0 s off$/m,
    /^\^\? gps\.example +0 +6 +0 +- +- +CLK-12 no answer$/m,
    /^Old Town +synchronised +0 µs +\+\/- 2\.5 ms +12\.345 ppm fast +4 s +1, last −3 min +2026-06/m,
  ]) {
    assert.match(output, line)
  }
})

test('one device: its clock, its meters, what happened; by name and by id', async () => {
  const { code, output } = await clock('Old Town')
  assert.equal(code, 0, output)
  for (const line of [
    /^Old Town +synchronised/m,
    /^M-1 +valid +\+[\d.]+ ms +\+\/- 900 µs +4\.200 ppm fast +−1\.7 s +none +Event 12/m,
    /^M-2 +invalid +−5 h .*rejected +Event 10: readings invalid/m,
    /^2026-06-18 04:0\d:00 +the slave +Corrected by more than a slew +−3 min$/m,
  ]) {
    assert.match(output, line)
  }
  assert.equal((await clock('00000000000000a0')).output, output)
})

test('--json gives the same figures to machines', async () => {
  const all = JSON.parse((await clock('--json')).output)
  assert.deepEqual([all.head.stratum, all.head.sources.length], [3, 4])
  assert.deepEqual([all.slaves[0].name, all.slaves[0].boundUs], ['Old Town', 2_500])
  const one = JSON.parse((await clock('Old Town', '--json')).output)
  assert.deepEqual(
    one.meters.map(({ meter, event }: { meter: string; event: number }) => [meter, event]),
    [
      // The worst first.
      ['M-2', 10],
      ['M-1', 12],
    ],
  )
})

test('each error has its code: no device, too many words, no database', async () => {
  const unknown = await clock('Nowhere')
  assert.deepEqual([unknown.code, /SEC-01/.test(unknown.output)], [1, true], unknown.output)
  const many = await clock('Old Town', 'M-1')
  assert.deepEqual([many.code, /OPS-12/.test(many.output)], [1, true], many.output)
  const nowhere = await new Process(['clock'], { TICKLOCK_DATA: '/nowhere' }).ended
  assert.match(nowhere.output, /OPS-08 .*ticklock up/)
})

test('a name that came from outside cannot move the terminal’s cursor', async () => {
  const { tell } = teller(postgres.db)
  const reference = 'evil\u001b[2J\u202e'
  await tell((fleet) =>
    fleet.headClock({ ...withLiar(headReport(Date.now())), reference, at: unixMs(Date.now()) }),
  )
  const { output } = await clock()
  assert.match(output, /^Reference ID {4}: evil\?\[2J\?$/m)
})

test('a database of an older head-end is recognised, and so is one without clock reports', async () => {
  const { owner: pool } = postgres
  await pool.query('truncate clocks, clock_history, clock_events')
  const { code, output } = await clock()
  assert.equal(code, 0)
  assert.match(output, /The head-end has not reported .*\n\nNo slave has reported/)
  await pool.query('drop table clock_events')
  const older = await clock()
  assert.deepEqual([older.code, /OPS-08 .*this version/.test(older.output)], [1, true])
})
