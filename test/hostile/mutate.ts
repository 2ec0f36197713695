// For a night: `node dist/test/hostile/mutate.js --count 1000000 --frames 10000`. Prints a line per
// decoder; exits with 1 at the first that fails.

import { parseArgs } from 'node:util'
import { flipFrames } from './flips.ts'
import { hammer } from './mutation.ts'
import { TARGETS } from './targets.ts'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000000' },
    frames: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
  },
})
const seed = Number(values.seed)
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`

for (const target of TARGETS) {
  if (!target.name.includes(values.only)) continue
  const tally = hammer(target, { count: Number(values.count), seed })
  const peak = `${(tally.peakBytes / 1_048_576).toFixed(0)} MiB at most`
  const slowest = `slowest ${tally.slowestMs.toFixed(1)} ms`
  console.log(
    `${tally.target}: ${tally.inputs} inputs, ${tally.taken} taken, ${seconds(tally.ms)}, ${slowest}, ${peak}`,
  )
}
if ('flips'.includes(values.only)) {
  const { frames, flips, refused, ms } = flipFrames({ frames: Number(values.frames), seed })
  const by = [...refused].map(([fault, count]) => `${fault} ${count}`).join(', ')
  console.log(`flips: ${frames} frames, ${flips} bits, all refused (${by}), ${seconds(ms)}`)
}
