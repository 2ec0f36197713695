// One process of the test runner: node's own runner over some files, with its output kept.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const beside = (name) => fileURLToPath(new URL(name, import.meta.url))

/** Counts that node's runner prints in its last lines. */
export const COUNTS = ['tests', 'suites', 'pass', 'fail', 'cancelled', 'skipped', 'todo']

/** The processes that run now; a run that is interrupted ends them. */
const running = new Set()

/** Runs `files` in a process of its own, for `limit` milliseconds at most. Resolves with what it
 * printed (`lines`, without the summary), its `counts`, the `seconds` of each file, and how it
 * ended. */
export function run(files, { limit, env }) {
  const { NODE_TEST_CONTEXT: _, ...ours } = process.env
  const result = { code: 1, hung: false, leftOpen: '', lines: [], counts: {}, seconds: new Map() }
  const words = ['--enable-source-maps', '--import', beside('left-open.js')]
  words.push('--test-isolation=none', '--test', `--test-reporter=${beside('reporter.js')}`)
  const child = spawn(process.execPath, [...words, ...files], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
    env: { ...ours, ...env },
  })
  running.add(child)
  const timer = setTimeout(() => {
    result.hung = true
    end(child)
  }, limit)
  const read = (stream) =>
    createInterface({ input: stream }).on('line', (line) => take(line, result))
  read(child.stdout)
  read(child.stderr)
  return new Promise((done) => {
    child.on('close', (code) => {
      clearTimeout(timer)
      running.delete(child)
      done({ ...result, code: code ?? 1 })
    })
  })
}

function take(line, result) {
  const [, kind, count] = /^ℹ (\w+) ([\d.]+)$/.exec(line) ?? []
  const [, seconds, file] = /^FILE ([\d.]+) (.+)$/.exec(line) ?? []
  if (line.startsWith('LEFT OPEN ')) result.leftOpen = `left open: ${line.slice(10)}`
  else if (file !== undefined) result.seconds.set(file, Number(seconds))
  else if (kind === undefined) result.lines.push(line)
  else if (COUNTS.includes(kind)) result.counts[kind] = Number(count)
}

/** Ends a process together with the children it started. */
function end(child) {
  if (process.platform === 'win32') child.kill()
  else process.kill(-child.pid, 'SIGKILL')
}

export function endAll() {
  for (const child of running) end(child)
}
