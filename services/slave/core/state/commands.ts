// The master's commands: the last one taken, and how far it got. Changed by commands.ts.

import type { FaultCode } from '../../../../shared/faults.ts'
import type { MonoUs } from '../../../../shared/units.ts'
import type { Command } from '../../../../shared/wire/commands.ts'
import type { StoredCommand } from './stored.ts'

/** A command whose meters were asked. */
export interface Acting {
  readonly is: 'acting'
  readonly number: number
  readonly what: 'read-now' | 'sync-clock'
  readonly since: MonoUs
  /** Meters whose answer is still to come. */
  readonly asked: ReadonlySet<string>
  /** Meters whose answer waits for the disk. */
  readonly storing: ReadonlySet<string>
  /** What went wrong first. */
  readonly fault: FaultCode | null
}

export interface CommandsState {
  /** The last number taken. `begun`: this process works on it. */
  readonly last: StoredCommand | null
  /** `storing`: that it began, or its outcome, waits for the disk. */
  readonly phase: { readonly is: 'idle' } | { readonly is: 'storing' } | Acting
  /** Came while another one ran; the newest only, the master sends the rest again. */
  readonly waiting: Command | null
}

export const IDLE = { is: 'idle' } as const

/** A command that an earlier process began and did not end may be done or not. */
export const commandsAtStart = (stored: StoredCommand | null): CommandsState => ({
  last: stored?.outcome === 'begun' ? { ...stored, outcome: 'unknown' } : stored,
  phase: IDLE,
  waiting: null,
})
