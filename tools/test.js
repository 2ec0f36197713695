// The test runner: `npm test`, or `npm test -- PATTERN` for the files whose path contains PATTERN.
//
// Unit, property, hostile and simulation tests share one process (24 times faster than a process
// per file); end-to-end tests run one file at a time, each in a process of its own. A run fails
// when
// - a test fails, or the pattern matches no file (node:test calls an empty run a success);
// - fewer tests passed than the recorded floor (a folder that moved away would go unnoticed);
// - a process does not end by itself after its last test: something was left open. Nobody can tell
//   whose it is in the shared process, so its files are run once more one by one, and the culprit
//   named;
// - a process or a phase takes too long.
// The last lines are those of node's own runner, summed over all processes: `ℹ tests`, `ℹ pass` ...
//
// Options for the runner's own test: --in FOLDER (compiled tests), --floor COUNT, --limit
// MILLISECONDS.
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { requireNode } from './node-version.js'

/** Fewest tests that must pass in a full run. Raise it when you add tests, never lower it
 * silently. */
const TESTS_FLOOR = 900
/** Longest one process may run before it is ended as hung, milliseconds. */
const PROCESS_MS_MAX = 240_000
/** Longest the end-to-end files may take together, milliseconds: the whole check has 20 minutes. */
const PHASE_MS_MAX = 900_000
/** The same for one file when we look for the one that hangs or leaves something open. */
const ALONE_MS_MAX = 30_000

requireNode()
process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { in: { type: 'string' }, floor: { type: 'string' }, limit: { type: 'string' } },
})
const pattern = positionals[0] ?? ''
const root = values.in ?? 'dist/test'
const floor = Number(values.floor ?? TESTS_FLOOR)
const processMsMax = Number(values.limit ?? PROCESS_MS_MAX)

const choose = (glob) =>
  globSync(`${root}/${glob}`)
    .filter((file) => file.includes(pattern))
    .sort()
const shared = [
  ...choose('*.test.js'),
  ...choose('{unit,property,hostile,vectors,sim}/**/*.test.js'),
]
const apart = choose('e2e/**/*.test.js')

const troubles = []
const counts = new Map(
  ['tests', 'suites', 'pass', 'fail', 'cancelled', 'skipped', 'todo'].map((kind) => [kind, 0]),
)
const startedAt = performance.now()
/** Lines that a process printed to be repeated at the end: what was skipped for want of it. */
const absent = new Set()

if (shared.length > 0) await runShared()
await runApart()
if (shared.length + apart.length === 0) troubles.push(`no test file matches "${pattern}"`)
else if (pattern === '' && counts.get('pass') < floor) {
  troubles.push(`${counts.get('pass')} tests passed, the floor is ${floor}`)
}

console.log()
for (const [kind, count] of counts) console.log(`ℹ ${kind} ${count}`)
console.log(`ℹ duration_ms ${Math.round(performance.now() - startedAt)}`)
for (const line of absent) console.log(line)
for (const trouble of troubles) console.error(`✖ ${trouble}`)
process.exit(troubles.length > 0 ? 1 : 0)

async function runShared() {
  const result = await run(shared, { limit: processMsMax, quiet: false })
  if (!result.hung && !result.leftOpen) {
    if (result.code !== 0) troubles.push('a test failed')
    return
  }
  const what = result.hung ? `still running after ${processMsMax} ms` : 'something was left open'
  troubles.push(`${what}; looking for the file:`)
  for (const file of shared) {
    const alone = await run([file], { limit: Math.min(ALONE_MS_MAX, processMsMax), quiet: true })
    if (alone.leftOpen) troubles.push(`${file}: ${alone.leftOpen}`)
    if (alone.hung) troubles.push(`${file}: hangs`)
  }
}

async function runApart() {
  const phaseStartedAt = performance.now()
  for (const file of apart) {
    if (performance.now() - phaseStartedAt > PHASE_MS_MAX) {
      troubles.push(`${file} and later: not run, the phase took longer than ${PHASE_MS_MAX} ms`)
      return
    }
    console.log(`\n${file}`)
    const { code, hung, leftOpen } = await run([file], { limit: processMsMax, quiet: false })
    if (hung) troubles.push(`${file}: still running after ${processMsMax} ms`)
    else if (leftOpen) troubles.push(`${file}: ${leftOpen}`)
    else if (code !== 0) troubles.push(`${file}: a test failed`)
  }
}

/** Runs files in one process of their own. Counts what node's runner says at the end, unless
 * quiet. */
function run(files, { limit, quiet }) {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  return new Promise((done) => {
    let hung = false
    let leftOpen = ''
    const child = spawn(
      process.execPath,
      [
        '--enable-source-maps',
        '--import',
        fileURLToPath(new URL('left-open.js', import.meta.url)),
        '--test-isolation=none',
        '--test',
        '--test-reporter=spec',
        ...files,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'], detached: process.platform !== 'win32', env },
    )
    const timer = setTimeout(() => {
      hung = true
      end(child)
    }, limit)
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [, kind, count] = /^ℹ (\w+) ([\d.]+)$/.exec(line) ?? []
      if (line.startsWith('VECTORS ABSENT: ')) absent.add(line)
      else if (line.startsWith('LEFT OPEN '))
        leftOpen = `left open: ${line.slice('LEFT OPEN '.length)}`
      else if (kind === undefined && !quiet) console.log(line)
      else if (counts.has(kind) && !quiet) counts.set(kind, counts.get(kind) + Number(count))
    })
    child.on('close', (code) => {
      clearTimeout(timer)
      done({ code: code ?? 1, hung, leftOpen })
    })
  })
}

/** Ends a hung process with the children it started. */
function end(child) {
  if (process.platform === 'win32') child.kill()
  else process.kill(-child.pid, 'SIGKILL')
}
