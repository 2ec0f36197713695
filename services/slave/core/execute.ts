// What each command does, once it is durable that it was begun.

import { elapsedUs, spanUs } from '../../../shared/units.ts'
import type { Command } from '../../../shared/wire/commands.ts'
import { readNow } from './capture/rhythm.ts'
import { isTooLate, refuse, settle, waitForMeters } from './commands.ts'
import { abandonSync, syncClock } from './meter-clocks/ask.ts'
import type { BeginCommandJob } from './state/jobs.ts'
import type { Turn } from './turn.ts'

/** Longest time for a command's meters: 250 of them at 9600 baud, some of them silent. */
const ACT_TIME_MAX = spanUs(300_000_000)

/** "Begun" is durable; the disk may have taken its time. */
export function execute(turn: Turn, { command }: BeginCommandJob): void {
  const { number, expires, what } = command
  if (isTooLate(turn, expires)) refuse(turn, number, 'OPS-17')
  else if (what !== null) act(turn, number, what)
}

function act(turn: Turn, number: number, what: NonNullable<Command['what']>): void {
  switch (what.task) {
    case 'schedule': {
      const { meter, seconds } = what
      settle(turn, { number, outcome: 'done', detail: '' }, { meter, seconds })
      return
    }
    case 'read-now': {
      const all = turn.setup.meters.map(({ meter }) => meter)
      const meters = what.meter === null ? all : [what.meter]
      waitForMeters(turn, number, 'read-now', meters)
      for (const meter of meters) readNow(turn, meter)
      return
    }
    case 'sync-clock':
      waitForMeters(turn, number, 'sync-clock', [what.meter])
      syncClock(turn, what.meter)
      return
  }
}

/** Ends a command whose meters said nothing. Answers that still wait for the disk may get there or
 * not: nobody knows. */
export function limitCommand(turn: Turn): void {
  const { phase } = turn.state.commands
  if (phase.is !== 'acting' || elapsedUs(phase.since, turn.mono) <= ACT_TIME_MAX) return
  const { number, what, asked } = phase
  const sent = what === 'sync-clock' && [...asked].some((meter) => abandonSync(turn, meter))
  if (asked.size > 0 && !sent) refuse(turn, number, 'MTR-01')
  else settle(turn, { number, outcome: 'unknown', detail: '' })
}
