// Imports as the running head-end does them: one after the other, behind the pages, seen through
// the log of imports.

import type { Pool } from 'pg'
import type { Kysely } from 'kysely'
import { errorText } from '../../../../../shared/node/fault-error.ts'
import type { Log } from '../../../../../shared/node/log.ts'
import type { Database } from '../../../store/schema.ts'
import type { ImportState } from '../../core/imports/views.ts'
import { markInterrupted, moveImport } from '../../db/imports/log.ts'
import { nobodyImports } from '../../db/imports/transaction.ts'
import { applyImport, checkImport, type ImportStore, undoById } from './run.ts'

/** Each begins its work and returns at once; false: the import is not in a state for it. */
export interface ImportDesk {
  check(id: number): Promise<boolean>
  apply(id: number, by: string): Promise<boolean>
  undo(id: number, by: string): Promise<boolean>
  /** What is at work stops at its next step, and nothing of it stays. */
  stop(): Promise<void>
}

/** `busy`: resolves when nothing is at work; for tests. */
export function openImportDesk(
  { pool, db }: { readonly pool: Pool; readonly db: Kysely<Database> },
  log: Log,
): ImportDesk {
  let ending = false
  const store: ImportStore = { pool, db, isEnding: () => ending }
  let work: Promise<void> = settle(store, log)

  const begin = async (
    id: number,
    move: { readonly from: readonly ImportState[]; readonly to: ImportState },
    run: () => Promise<void>,
  ): Promise<boolean> => {
    if (ending || !(await moveImport(db, id, move))) return false
    work = work
      .then(() => (ending ? Promise.reject(new Error('the program ends')) : run()))
      .catch(async (error: unknown) => {
        log.fault('OPS-39', `import ${id} was interrupted: ${errorText(error)}`)
        // An undo that failed undid nothing.
        const to = move.to === 'undoing' ? 'applied' : 'interrupted'
        const detail = ending ? 'the program ended while it worked on this' : errorText(error)
        await moveImport(db, id, { from: ['checking', 'applying', 'undoing'], to, detail })
      })
      .catch((error: unknown) => log.fault('OPS-08', errorText(error)))
    return true
  }

  return {
    check: (id) => {
      const from = ['uploaded', 'checked', 'refused', 'interrupted'] as const
      return begin(id, { from, to: 'checking' }, () => checkImport(store, id))
    },
    apply: (id, by) =>
      begin(id, { from: ['checked'], to: 'applying' }, () => applyImport(store, id, by)),
    undo: (id, by) =>
      begin(id, { from: ['applied'], to: 'undoing' }, () => undoById(store, id, by)),
    stop: async () => {
      ending = true
      await work
    },
  }
}

/** Names what was killed while it worked; another process's import goes on. */
async function settle({ pool, db }: ImportStore, log: Log): Promise<void> {
  try {
    if (!(await nobodyImports(pool))) return
    const count = await markInterrupted(db)
    if (count > 0) log.info('imports were interrupted; nothing of them was stored', { count })
  } catch (error) {
    log.fault('OPS-08', `imports: ${errorText(error)}`)
  }
}
