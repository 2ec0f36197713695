// `npm run sim -- --seed 7 --days 30` runs one world; `npm run sim -- --seeds 200` runs two hundred
// of a day each, on every core. Worlds share nothing: a seed gives the same world in any worker.
// Every run ends with the table of sometimes.ts.

import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { z } from 'zod'
import { type Outcome, simulate } from './run.ts'
import {
  isSometimes,
  neverSeen,
  SOMETIMES,
  sum as sumOf,
  table,
  WORLDS_THAT_REACH_ALL,
} from './sometimes.ts'

const { values } = parseArgs({
  args: isMainThread ? process.argv.slice(2) : z.array(z.string()).parse(workerData),
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    days: { type: 'string', default: '1' },
    jobs: { type: 'string', default: `${availableParallelism()}` },
    'no-adversary': { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
})

/** What is summed over all worlds. */
const Tally = z.object({
  seed: z.number(),
  text: z.string(),
  broken: z.boolean(),
  frames: z.number(),
  rows: z.number(),
  attacks: z.number(),
  thefts: z.number(),
  shut: z.number(),
  opened: z.number(),
  bills: z.number(),
  withheld: z.number(),
  seen: z.array(z.tuple([z.string(), z.number()])),
})
type Tally = z.infer<typeof Tally>

const counts = (faults: ReadonlyMap<string, number>): string =>
  [...faults].map(([code, count]) => `${code} ${count}`).join(', ')

function tell(outcome: Outcome, seconds: number): string {
  const { seed, events, rows, faults, attacks, thief, digest, broken, recent, observer } = outcome
  const lines = [
    `seed ${seed} events ${events} rows ${rows} faults ${faults} attacks ${attacks} ` +
      `renewals ${outcome.renewals} corrections ${outcome.corrections} thefts ${thief.thefts} ` +
      `${seconds.toFixed(1)} s digest ${digest}`,
  ]
  if (values.verbose || broken !== null) {
    lines.push(`  refused: ${counts(observer.refused)}; reported: ${counts(observer.reported)}`)
  }
  if (broken !== null) {
    lines.push(`  BROKEN ${broken}`, `  ${JSON.stringify(outcome.drawn)}`)
    lines.push(`  ${JSON.stringify(outcome.rarities)}`)
    lines.push(...recent.map((line) => `    ${line}`))
  }
  return lines.join('\n')
}

function live(seed: number): Tally {
  const began = performance.now()
  const outcome = simulate(seed, Number(values.days), { peaceful: values['no-adversary'] })
  const { rows, attacks, broken, observer, thief } = outcome
  const { thefts, shut, opened } = thief
  return {
    seed,
    text: tell(outcome, (performance.now() - began) / 1_000),
    broken: broken !== null,
    frames: observer.frames,
    rows,
    attacks,
    thefts,
    shut,
    opened,
    bills: outcome.bills.right,
    withheld: outcome.bills.withheld,
    seen: [...outcome.seen],
  }
}

/** Runs the seeds, each in the next free worker. */
async function liveAll(seeds: readonly number[], done: (tally: Tally) => void): Promise<void> {
  const waiting = [...seeds]
  const jobs = Math.min(Number(values.jobs), seeds.length)
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL(import.meta.url), { workerData: process.argv.slice(2) })
      const next = (): void => {
        const seed = waiting.shift()
        if (seed === undefined) void worker.terminate().then(() => resolve())
        else worker.postMessage(seed, [])
      }
      worker.on('message', (told) => {
        done(Tally.parse(told))
        next()
      })
      worker.on('error', reject)
      next()
    })
  await Promise.all(Array.from({ length: jobs }, work))
}

async function main(): Promise<void> {
  const first = Number(values.seed ?? values.from)
  const count = values.seed === undefined ? Number(values.seeds ?? '50') : 1
  const seeds = Array.from({ length: count }, (_, index) => first + index)
  const tallies: Tally[] = []
  const done = (tally: Tally): void => {
    console.log(tally.text)
    tallies.push(tally)
  }
  if (count === 1) done(live(first))
  else await liveAll(seeds, done)
  const sum = (of: (tally: Tally) => number): number =>
    tallies.reduce((total, tally) => total + of(tally), 0)
  console.log(
    `${sum(({ rows }) => rows)} rows in ${sum(({ frames }) => frames)} frames, ` +
      `${sum(({ attacks }) => attacks)} attacks, ${sum(({ thefts }) => thefts)} thefts: ` +
      `${sum(({ shut }) => shut)} earlier frames tried, all shut; ` +
      `${sum(({ opened }) => opened)} later ones opened; ${sum(({ bills }) => bills)} bills right, ` +
      `${sum(({ withheld }) => withheld)} withheld`,
  )
  const unseen = tellSeen(tallies)
  const failed = tallies.filter(({ broken }) => broken).map(({ seed }) => seed)
  const more = values['no-adversary'] ? ' --no-adversary' : ''
  for (const seed of failed.sort((a, b) => a - b)) {
    console.log(`again: npm run sim -- --seed ${seed} --days ${values.days}${more}`)
  }
  console.log(failed.length === 0 ? `all ${count} green` : `${failed.length} of ${count} broken`)
  process.exitCode = failed.length === 0 && unseen === 0 ? 0 : 1
}

/** The table of what was sometimes seen: how many of its lines a large run never reached. */
function tellSeen(tallies: readonly Tally[]): number {
  const worlds = tallies.map(({ seen }) => {
    const known = seen.flatMap(([name, times]) =>
      isSometimes(name) ? [[name, times] as const] : [],
    )
    return new Map(known)
  })
  console.log(`sometimes, in ${worlds.length} worlds:`)
  for (const line of table(worlds)) console.log(line)
  if (worlds.length < WORLDS_THAT_REACH_ALL) return 0
  const never = neverSeen(sumOf(worlds).times)
  for (const name of never) console.log(`NEVER SEEN: ${name}: ${SOMETIMES[name]}`)
  return never.length
}

if (isMainThread) await main()
else parentPort?.on('message', (seed: number) => parentPort?.postMessage(live(seed), []))
