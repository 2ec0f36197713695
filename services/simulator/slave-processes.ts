// The demo's slaves: real processes, each with its configuration file and data folder, watched and
// restarted when they end.

import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolders } from '../../shared/node/folders.ts'
import { packageRoot } from '../../shared/node/root.ts'
import type { SpanUs } from '../../shared/units.ts'

/** Pause before a slave that ended is restarted, ms. */
const RESTART_MS = 1_000
/** How long a slave may take to stop, ms. */
const STOP_MS = 5_000

export interface SlavePlan {
  readonly name: string
  readonly folder: string
  /** `tcp://host:port` or `ws://host:port`. */
  readonly master: string
  /** Null once enrolled. */
  readonly token: string | null
  readonly line: string
  readonly meters: readonly string[]
  readonly everySeconds: number
  /** How the meters' clocks are treated. */
  readonly clock: 'watch' | 'light'
}

/** Writes the configuration as a technician would. */
export function writeSlaveConfig(plan: SlavePlan): string {
  makeFolders(plan.folder, 0o700)
  const file = join(plan.folder, 'slave.toml')
  const token = plan.token === null ? '' : `token = "${plan.token}"\n`
  writeFileSync(
    file,
    `# ${plan.name}, made by the demo
data = "data"
master = "${plan.master}"
${token}
[[line]]
url = "${plan.line}"
protocol = "sem"
meters = [${plan.meters.map((meter) => `"${meter}"`).join(', ')}]
every = ${plan.everySeconds}
history = true
clock = "${plan.clock}"
`,
    { mode: 0o600 },
  )
  chmodSync(file, 0o600)
  return file
}

export interface SlaveProcess {
  readonly name: string
  pid(): number | null
  stop(): Promise<void>
  /** Starts it again after it was stopped. */
  start(): void
  /** Makes the clocks of the running process jump; false while it does not run. */
  pullClock(by: SpanUs): boolean
}

/** Runs `ticklock slave` on that file. The process ends by itself when ours does: its channel to
 * us closes. */
export function startSlaveProcess(name: string, file: string, logFile: string): SlaveProcess {
  let child: ChildProcess | null = null
  let stopped = false
  let timer: NodeJS.Timeout | null = null
  const start = (): void => {
    const log = openSync(logFile, 'a', 0o600)
    const started = spawn(
      process.execPath,
      [join(packageRoot(), 'bin/ticklock.js'), 'slave', '--config', file],
      // Its own process group: Ctrl-C reaches only us, and we stop things in the right order.
      { stdio: ['ignore', log, log, 'ipc'], detached: true },
    )
    // The child has its own copy; ours would leak at every restart.
    closeSync(log)
    child = started
    started.once('exit', () => {
      child = null
      if (!stopped) timer = setTimeout(start, RESTART_MS)
    })
  }
  start()
  return {
    name,
    pid: () => child?.pid ?? null,
    start: () => {
      if (!stopped) return
      stopped = false
      start()
    },
    pullClock: (by) => child?.send({ pullClockUs: by }) ?? false,
    stop: async () => {
      stopped = true
      if (timer !== null) clearTimeout(timer)
      const running = child
      if (running === null) return
      const ended = new Promise<void>((resolve) => running.once('exit', () => resolve()))
      running.kill('SIGTERM')
      const late = setTimeout(() => running.kill('SIGKILL'), STOP_MS)
      await ended
      clearTimeout(late)
    },
  }
}
