// The meter-side agent as a process: reads the configuration, opens disk, meters and link, and
// runs the agent.

import { FaultError } from '../../shared/node/fault-error.ts'
import { type Log, openLog } from '../../shared/node/log.ts'
import { nodeRandom, nodeSuite } from '../../shared/node/node-suite.ts'
import { systemClock, upsetClock } from '../../shared/node/system-clock.ts'
import type { SpanUs } from '../../shared/units.ts'
import { startAgent } from './core/agent.ts'
import { loadConfig } from './shell/config.ts'
import { openLinkThread } from './shell/link/thread.ts'
import { openOutbox } from './shell/outbox/outbox.ts'
import { plansOf, Runner } from './shell/runner.ts'

export interface RunningSlave {
  stop(): Promise<void>
  /** Makes the slave's clocks jump: for the demo. */
  pullClock(by: SpanUs): void
}

const defaultLog = (): Log =>
  openLog({ pretty: process.stdout.isTTY, nowMs: () => systemClock.mono() / 1_000 })

/** Starts a slave from its TOML file. Rejects with a FaultError: OPS-05 the file is not valid;
 * OPS-04, 06, 11, 13, 16 the data folder (shell/outbox). */
export async function runSlave(configFile: string, log: Log = defaultLog()): Promise<RunningSlave> {
  const loaded = loadConfig(configFile)
  if (!loaded.ok) throw new FaultError(loaded.fault, loaded.detail)
  const { config, warnings } = loaded
  for (const { fault, detail } of warnings) log.fault(fault, detail)
  const opened = openOutbox(config.dataFolder, config.outbox)
  if (!opened.ok) throw new FaultError(opened.fault, opened.detail)
  const { outbox } = opened
  const meters = plansOf(config.lines)
  const clock = upsetClock()
  const runner = new Runner({
    outbox,
    lines: config.lines,
    clock,
    log,
    startAgent: (stored) =>
      startAgent({
        suite: nodeSuite,
        random: nodeRandom,
        stored,
        token: config.token,
        meters,
        wall: clock.wall(),
        mono: clock.mono(),
        sessionSuite: config.suite,
        pad: config.pad,
      }),
    openLink: (handlers) => openLinkThread(config.master, handlers, { ahead: clock.ahead }),
    openLine: (line, onEvent) => line.open(onEvent, clock),
  })
  log.info('slave runs', { meters: meters.length, waiting: outbox.backlog.frames })
  return {
    stop: () => runner.stop(),
    pullClock: (by) => {
      clock.pull(by)
      log.info('clock pulled', { byMs: by / 1_000 })
    },
  }
}
