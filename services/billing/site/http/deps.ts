// What the web side needs from the rest. db/browse.ts makes the readers from a Kysely; tests fake
// them.

import type { FastifyBaseLogger } from 'fastify'
import type { UnixMs } from '../../../../shared/units.ts'
import type { Order } from '../../../../shared/wire/orders.ts'
import type { AccessStore } from '../../access/db/access.ts'
import type { CustomerReads, OperatorReads } from '../db/browse.ts'
import type { ClockFigures } from '../../clocks/db/figures.ts'
import type { CommandVerdict } from '../../fleet/db/commands.ts'
import type { Summary } from '../db/summary.ts'
import type { AttackRun, Backfill, InboxMessage } from '../pages/views.ts'

export interface Health {
  readonly ok: boolean
  /** Part by part, without secrets: `{ database: 'up' }`. */
  readonly parts: Readonly<Record<string, string>>
}

export interface Random {
  (length: number): Uint8Array
}

export interface WebDeps {
  readonly access: AccessStore
  readonly operators: OperatorReads
  readonly customers: CustomerReads
  /** Queues once more a notice that was given up (BIL-11); does nothing for any other. */
  readonly queueAgain: (notice: number) => Promise<void>
  /** Gives a device a command. */
  readonly giveCommand: (command: {
    readonly device: string
    readonly what: Order
    readonly askedBy: string
  }) => Promise<CommandVerdict>
  readonly now: () => UnixMs
  readonly random: Random
  /** The stored or regenerated document of an issued bill; null when there is no such bill. */
  readonly renderPdf: (bill: number) => Promise<Uint8Array | null>
  readonly summary: () => Promise<Summary>
  readonly clockFigures: () => Promise<ClockFigures>
  readonly health: () => Promise<Health>
  readonly metrics: { readonly contentType: string; metrics(): Promise<string> }
  readonly backfill: () => Promise<Backfill | null>
  /** Only in the demo; null elsewhere. */
  readonly inbox: { messages(): readonly InboxMessage[] } | null
  /** Only in the demo: the scripted attacker; null elsewhere. */
  readonly attacks: { run(): AttackRun; start(): void } | null
  /** As people type it, without a slash at the end; `https:` makes cookies Secure. */
  readonly baseUrl: string
  readonly demo: boolean
  readonly log: FastifyBaseLogger | null
}
