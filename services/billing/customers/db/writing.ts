// One transaction for a change and its record. The checks before a write name what stands in the
// way; the constraints of the database stand behind them, for two people who write at one moment.
// When a constraint speaks, somebody else was first: the work is done again, and then its own
// check meets what they stored and can name it.

import type { Kysely, Transaction } from 'kysely'
import type { Database } from '../../store/schema.ts'
import { type Refusal, refused, type Written } from '../core/written.ts'

export type Trx = Transaction<Database>

/** How often work is begun before a constraint that still speaks is our own bug: each round loses
 * against somebody else's finished write. */
const ROUNDS_MAX = 5

/** Overlap, unique key, serialisation, deadlock. */
const FIRST_COME = new Set(['23P01', '23505', '40001', '40P01'])
const FOREIGN_KEY = '23503'

/** Carries a verdict out of a transaction that has to be rolled back. */
class TakenBack extends Error {
  readonly written: Written
  constructor(written: Written) {
    super(written.is)
    this.written = written
  }
}

/** Runs the work in one transaction, and rolls it back unless it is done. */
export async function writing(
  db: Kysely<Database>,
  work: (trx: Trx) => Promise<Written>,
): Promise<Written> {
  for (let round = 1; ; round += 1) {
    try {
      return await db.transaction().execute(async (trx) => {
        const written = await work(trx)
        if (written.is !== 'done') throw new TakenBack(written)
        return written
      })
    } catch (error) {
      if (error instanceof TakenBack) return error.written
      const { code, table } = said(error)
      if (code === FOREIGN_KEY) return stillUsed(table)
      if (round >= ROUNDS_MAX || !FIRST_COME.has(code)) throw error
    }
  }
}

/** The refusals of work that is tried and taken back; empty: it could be done. */
export async function trying(
  db: Kysely<Database>,
  work: (trx: Trx) => Promise<Written>,
): Promise<readonly Refusal[]> {
  const written = await writing(db, async (trx) => {
    throw new TakenBack(await work(trx))
  })
  return written.is === 'refused' ? written.refusals : []
}

function said(error: unknown): { readonly code: string; readonly table: string } {
  if (typeof error !== 'object' || error === null) return { code: '', table: '' }
  const text = (name: string): string => {
    const value: unknown = Reflect.get(error, name)
    return typeof value === 'string' ? value : ''
  }
  return { code: text('code'), table: text('table') }
}

/** What a table's rows are called, where one of them stands in the way of a deletion. */
const ROW_WORDS: Readonly<Record<string, string>> = {
  bills: 'a bill',
  bill_periods: 'a billing period',
  contracts: 'a contract',
  contract_terms: "a contract's terms",
  installations: 'an installed meter',
  links: 'a link that was sent',
  manual_readings: 'a manual reading',
  notices: 'a notice',
  readings: 'stored readings',
  sessions: 'an open session',
}

const stillUsed = (table: string): Written =>
  refused(
    '',
    'OPS-41',
    `It is used by ${ROW_WORDS[table] ?? `a row of ${table}`}, so it is not deleted: end it instead.`,
  )
