// The test runner: `npm test`, or `npm test -- PATTERN` for the files whose path contains PATTERN.
//
// Unit, property, hostile and simulation tests share one process (24 times faster than a process per
// file); end-to-end tests run one file at a time in their own process. A run fails when fewer tests ran
// than the recorded floor: a pattern that matches nothing exits 0 in node:test, and we want to hear of it.
// A leaked timer or socket hangs the runner, so each phase has a total time-out.
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { requireNode } from './node-version.js'

/** Fewest tests that must pass in a full run. Raise it when you add tests, never lower it silently. */
const TESTS_FLOOR = { fast: 300, e2e: 60 }
/** Longest a phase may take before it is ended as hung, milliseconds. */
const PHASE_MS_MAX = { fast: 240_000, e2e: 600_000 }

requireNode()
process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const pattern = process.argv[2] ?? ''
const choose = (glob) =>
  globSync(glob)
    .filter((file) => file.includes(pattern))
    .sort()

const phases = [
  {
    name: 'fast',
    files: [
      ...choose('dist/test/*.test.js'),
      ...choose('dist/test/{unit,property,hostile,sim}/**/*.test.js'),
    ],
    flags: ['--test-isolation=none'],
  },
  {
    name: 'e2e',
    files: choose('dist/test/e2e/**/*.test.js'),
    flags: ['--test-concurrency=1'],
  },
]

let failed = false
for (const phase of phases) {
  if (phase.files.length === 0) continue
  const { code, passed, timedOut } = await run(phase)
  if (timedOut) {
    console.error(
      `\n${phase.name}: still running after ${PHASE_MS_MAX[phase.name]} ms: something is left open`,
    )
    failed = true
  }
  if (code !== 0) failed = true
  if (pattern === '' && passed < TESTS_FLOOR[phase.name]) {
    console.error(
      `\n${phase.name}: ${passed} tests passed, the floor is ${TESTS_FLOOR[phase.name]}`,
    )
    failed = true
  }
}
if (phases.every((phase) => phase.files.length === 0)) {
  console.error(`no test file matches "${pattern}"`)
  failed = true
}
process.exit(failed ? 1 : 0)

function run(phase) {
  return new Promise((done) => {
    let timedOut = false
    let passed = 0
    let tail = ''
    const child = spawn(
      process.execPath,
      ['--enable-source-maps', ...phase.flags, '--test', '--test-reporter=spec', ...phase.files],
      { stdio: ['ignore', 'pipe', 'inherit'], detached: true },
    )
    const timer = setTimeout(() => {
      timedOut = true
      process.kill(-child.pid, 'SIGKILL')
    }, PHASE_MS_MAX[phase.name])
    child.stdout.on('data', (chunk) => {
      process.stdout.write(chunk)
      tail = (tail + chunk).slice(-4_000)
      const match = /^ℹ pass (\d+)$/m.exec(tail)
      if (match) passed = Number(match[1])
    })
    child.on('close', (code) => {
      clearTimeout(timer)
      done({ code: code ?? 1, passed, timedOut })
    })
  })
}
