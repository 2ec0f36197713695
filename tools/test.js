// The test runner: `npm test`, or `npm test -- PATTERN...` for the files whose path contains one of
// the patterns.
//
// Unit, property, hostile and simulation tests run in two shared processes, one after the other (24
// times faster than a process per file); every end-to-end file runs in a process of its own. Two
// processes run at a time, in the order that test-plan.js gives. A run fails when
// - a test fails, or a pattern matches no file (node:test calls an empty run a success);
// - a file ends its process before the tests are counted;
// - fewer tests passed than the recorded floor (a folder that moved away would go unnoticed);
// - a process does not end by itself after its last test: something was left open. In a shared
//   process nobody can tell which file it was, so its files run once more one by one, and the
//   culprit is named;
// - a process or the whole run takes too long.
// What a process prints is shown in one piece when it has ended. Then come the slowest files, and
// in the last lines the counts of node's own runner, summed over all processes: `ℹ tests` ...
//
// Options for the runner's own test: --in FOLDER (compiled tests), --floor COUNT, --limit
// MILLISECONDS.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { requireNode } from './node-version.js'
import { isCalm, longestFirst } from './test-plan.js'
import { COUNTS, endAll, run } from './test-process.js'

/** Fewest tests that must pass in a full run. Raise it when you add tests, never lower it
 * silently. */
const TESTS_FLOOR = 1_300
/** Processes that run at a time. */
const LANES = 2
/** Longest one process may run before it is ended as hung, milliseconds. */
const PROCESS_MS_MAX = 240_000
/** After this no further process starts, milliseconds. A run takes less than a quarter of it. */
const RUN_MS_MAX = 900_000
/** Limit for one file when we look for the one that hangs or leaves something open. */
const ALONE_MS_MAX = 30_000
/** How many of the slowest files are listed. */
const SLOWEST = 10

requireNode()
process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const { values, positionals: patterns } = parseArgs({
  allowPositionals: true,
  options: { in: { type: 'string' }, floor: { type: 'string' }, limit: { type: 'string' } },
})
const root = values.in ?? 'dist/test'
const floor = Number(values.floor ?? TESTS_FLOOR)
const processMsMax = Number(values.limit ?? PROCESS_MS_MAX)

/** Compiled test files, in the order of the globs. */
const all = (...globs) => globs.flatMap((glob) => globSync(`${root}/${glob}`).toSorted())
const choose = (...globs) =>
  all(...globs).filter(
    (file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)),
  )

/** What runs in one process: a file, or a group of files that share it. */
const shared = [
  choose('unit/**/*.test.js'),
  choose('*.test.js', '{property,hostile,vectors,sim}/**/*.test.js'),
].filter((files) => files.length > 0)
const apart = longestFirst(choose('e2e/**/*.test.js'))
const waiting = [
  ...shared.map((files) => ({ kind: 'shared', files })),
  ...apart.map((file) => ({ kind: isCalm(file) ? 'calm' : 'busy', files: [file] })),
]
const startedAt = performance.now()
const troubles = patterns
  .filter((pattern) => !all('**/*.test.js').some((file) => file.includes(pattern)))
  .map((pattern) => `no test file matches "${pattern}"`)
const counts = Object.fromEntries(COUNTS.map((kind) => [kind, 0]))
/** Lines that processes printed to be repeated at the end: what was skipped for want of it. */
const absent = new Set()
/** Seconds of each file. */
const seconds = new Map()
const running = new Set()
/** Resolved, and made anew, whenever a process has ended. */
let ended = Promise.withResolvers()

if (troubles.length === 0) await runAll()
if (patterns.length === 0 && counts.pass < floor) {
  troubles.push(`${counts.pass} tests passed, the floor is ${floor}`)
}

printSlowest()
console.log()
for (const [kind, count] of Object.entries(counts)) console.log(`ℹ ${kind} ${count}`)
console.log(`ℹ duration_ms ${Math.round(performance.now() - startedAt)}`)
for (const line of absent) console.log(line)
for (const trouble of troubles) console.error(`✖ ${trouble}`)
process.exit(troubles.length > 0 ? 1 : 0)

/** Runs everything that waits. One folder serves the whole run: it holds the database cluster that
 * the tests copy instead of making their own. */
async function runAll() {
  const folder = mkdtempSync(join(tmpdir(), 'ticklock-run-'))
  // The database runs under an account of its own, which must pass through.
  chmodSync(folder, 0o711)
  const clear = () => rmSync(folder, { recursive: true, force: true })
  const cluster = templateCluster(join(folder, 'postgres'))
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, async () => {
      endAll()
      // It shuts its database down by itself, and the folder goes after that.
      await cluster
      clear()
      process.exit(1)
    })
  }
  try {
    const lanes = Array.from({ length: LANES }, (_, lane) => runLane(lane, cluster))
    await Promise.all(lanes)
  } finally {
    clear()
  }
}

/** Makes the cluster once, where an end-to-end file may need it; resolves with the environment that
 * names it. */
async function templateCluster(folder) {
  const program = join(root, 'e2e/template-cluster.js')
  if (!waiting.some(({ kind }) => kind === 'busy') || !existsSync(program)) return {}
  const child = spawn(process.execPath, [program, folder], { stdio: 'inherit' })
  const [status] = await once(child, 'exit')
  if (status === 0) return { TICKLOCK_TEST_CLUSTER: folder }
  troubles.push('no database cluster could be made for the tests')
  return {}
}

/** Runs one process after another until nothing waits. Only a busy file waits for the cluster: no
 * calm one has a database. */
async function runLane(lane, cluster) {
  while (waiting.length > 0) {
    const job = next()
    if (job === undefined) {
      await ended.promise
      continue
    }
    if (performance.now() - startedAt > RUN_MS_MAX) {
      troubles.push(`${job.files[0]}: not run, the tests took longer than ${RUN_MS_MAX} ms`)
      continue
    }
    running.add(job)
    if (job.kind === 'shared') await runShared(job.files)
    else {
      const env = job.kind === 'busy' ? await cluster : {}
      await runApart(job.files[0], { ...env, TICKLOCK_TEST_LANE: String(lane) })
    }
    running.delete(job)
    ended.resolve()
    ended = Promise.withResolvers()
  }
}

/** Takes from what waits the first that may start now: one shared process at a time as long as
 * there is anything else, calm files early, and no calm file beside a busy one. */
function next() {
  const runs = (kind) => [...running].some((job) => job.kind === kind)
  const kinds = []
  if (!runs('shared')) kinds.push('shared')
  if (!runs('busy')) kinds.push('calm')
  if (!runs('calm')) kinds.push('busy')
  kinds.push('shared')
  for (const kind of kinds) {
    const at = waiting.findIndex((job) => job.kind === kind)
    if (at >= 0) return waiting.splice(at, 1)[0]
  }
  return undefined
}

async function runShared(files) {
  const result = await run(files, { limit: processMsMax, env: {} })
  show(`${files.length} files in one process`, result)
  for (const [file, spent] of result.seconds) seconds.set(relative('.', file), spent)
  if (!result.hung && !result.leftOpen) {
    if (result.code !== 0) troubles.push('a test failed')
    else if (isSilent(result))
      troubles.push(`a process ended before its tests did: ${files[0]} ...`)
    return
  }
  const what = result.hung ? `still running after ${processMsMax} ms` : 'something was left open'
  troubles.push(`${what}; looking for the file:`)
  for (const file of files) {
    const alone = await run([file], { limit: Math.min(ALONE_MS_MAX, processMsMax), env: {} })
    if (alone.leftOpen) troubles.push(`${file}: ${alone.leftOpen}`)
    if (alone.hung) troubles.push(`${file}: hangs`)
  }
}

async function runApart(file, env) {
  const since = performance.now()
  const result = await run([file], { limit: processMsMax, env })
  seconds.set(file, (performance.now() - since) / 1_000)
  show(file, result)
  if (result.hung) troubles.push(`${file}: still running after ${processMsMax} ms`)
  else if (result.leftOpen) troubles.push(`${file}: ${result.leftOpen}`)
  else if (result.code !== 0) troubles.push(`${file}: a test failed`)
  else if (isSilent(result)) troubles.push(`${file}: the process ended before its tests did`)
}

/** Some file ended the process (process.exit) before node's runner could count. */
function isSilent({ counts: { tests = 0 } }) {
  return tests === 0
}

/** Prints in one piece what a process said, and adds its counts to ours. */
function show(title, { lines, counts: more }) {
  const said = lines.filter((line, at) => line !== '' || (lines[at - 1] ?? '') !== '')
  for (const line of lines) if (line.startsWith('VECTORS ABSENT: ')) absent.add(line)
  console.log(`\n${title}\n${said.join('\n').trimEnd()}`)
  for (const kind of COUNTS) counts[kind] += more[kind] ?? 0
}

function printSlowest() {
  const slowest = [...seconds].sort(([, a], [, b]) => b - a).slice(0, SLOWEST)
  if (slowest.length > 0) console.log('\nThe slowest files:')
  for (const [file, spent] of slowest) console.log(`${spent.toFixed(1).padStart(7)} s  ${file}`)
}
