// `npm run sim -- --seed 7 --days 30` lives one world; `npm run sim -- --seeds 50` lives fifty of
// two days.

import { parseArgs } from 'node:util'
import { type Outcome, simulate } from './run.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    days: { type: 'string', default: '2' },
    verbose: { type: 'boolean', default: false },
  },
})

const counts = (faults: ReadonlyMap<string, number>): string =>
  [...faults].map(([code, count]) => `${code} ${count}`).join(', ')

function tell(outcome: Outcome, seconds: number): void {
  const { seed, events, rows, faults, renewals, digest, broken, recent, observer, drawn } = outcome
  const pace = `${seconds.toFixed(1)} s`
  console.log(
    `seed ${seed} events ${events} rows ${rows} faults ${faults} renewals ${renewals} ${pace} digest ${digest}`,
  )
  if (values.verbose || broken !== null) {
    console.log(`  refused: ${counts(observer.refused)}; reported: ${counts(observer.reported)}`)
  }
  if (broken === null) return
  console.log(`  BROKEN ${broken}`)
  console.log(`  ${JSON.stringify(drawn)}`)
  for (const line of recent) console.log(`    ${line}`)
}

const first = Number(values.seed ?? values.from)
const count = values.seed === undefined ? Number(values.seeds ?? '50') : 1
let failed = 0
for (let seed = first; seed < first + count; seed += 1) {
  const began = performance.now()
  const outcome = simulate(seed, Number(values.days))
  tell(outcome, (performance.now() - began) / 1_000)
  if (outcome.broken !== null) failed += 1
}
console.log(failed === 0 ? `all ${count} green` : `${failed} of ${count} broken`)
process.exitCode = failed === 0 ? 0 : 1
