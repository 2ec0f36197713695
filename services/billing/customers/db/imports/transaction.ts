// The one transaction of an import, and the lock that says somebody is at it: two at a time would
// only wait for each other, and a program that starts can tell an import that was killed from one
// that another process is busy with.

import type { Pool, PoolClient } from 'pg'
import type { ImportCounts, PlanPreview } from '../../core/imports/outcome.ts'
import { fieldChanges } from '../../core/imports/outcome.ts'
import { reach } from '../../../store/pool.ts'

/** Key of the advisory lock while an import works: 'impo' in ASCII. */
const LOCK_KEY = 0x696d706f

/** Runs `work` in a transaction; what it returns with `keep` false is rolled back. Rejects with
 * what `work` rejects with; then nothing stays either. Null: another import is at work. */
export async function inOneTransaction<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<{ readonly keep: boolean; readonly value: T }>,
): Promise<T | null> {
  const client = await reach(pool)
  let broken = true
  try {
    await client.query('begin')
    const { rows } = await client.query<{ free: boolean }>(
      'select pg_try_advisory_xact_lock($1) as free',
      [LOCK_KEY],
    )
    if (rows[0]?.free !== true) {
      await client.query('rollback')
      broken = false
      return null
    }
    const { keep, value } = await work(client)
    await client.query(keep ? 'commit' : 'rollback')
    broken = false
    return value
  } finally {
    // A broken connection is closed, and with it its transaction.
    client.release(broken)
  }
}

/** Whether no import is at work in any process. */
export const nobodyImports = async (pool: Pool): Promise<boolean> =>
  (await inOneTransaction(pool, async () => ({ keep: false, value: true }))) === true

/** Keeps what a dry run found, in its transaction. */
export async function keepDryRun(
  client: PoolClient,
  id: number,
  found: {
    readonly counts: ImportCounts
    readonly digest: string
    readonly previews: readonly PlanPreview[]
    readonly note: string
  },
): Promise<void> {
  await keepRefusals(client, id)
  await client.query('delete from import_previews where import_id = $1', [id])
  const previews = found.previews.map((preview, no) => ({
    no,
    what: preview.what,
    state: preview.state,
    key: preview.key,
    line: preview.line,
    fields: fieldChanges(preview),
  }))
  await client.query(
    `insert into import_previews (import_id, no, what, state, key, line, fields)
     select $1, r.* from jsonb_to_recordset($2)
       as r(no integer, what text, state text, key text, line integer, fields jsonb)`,
    [id, JSON.stringify(previews)],
  )
  await client.query(
    `update imports set state = 'checked', phase = '', code = null, counts = $2, digest = $3,
       detail = $4 where id = $1`,
    [id, JSON.stringify(found.counts), found.digest, found.note],
  )
}

async function keepRefusals(client: PoolClient, id: number): Promise<void> {
  await client.query('delete from import_refusals where import_id = $1', [id])
  // Two checks may refuse one line for one reason; it is said once.
  await client.query(
    `insert into import_refusals (import_id, line, no, target, reason, remedy)
     select $1, line, row_number() over (partition by line order by min(no)), target, reason,
       min(remedy) from s_refusal group by line, target, reason`,
    [id],
  )
}

/** Says in the transaction itself that it was applied: the log and the rows never disagree. */
export const keepApplied = async (client: PoolClient, id: number, by: string): Promise<void> => {
  await client.query(
    `update imports set state = 'applied', phase = '', code = null, detail = '', applied_at = now(),
       applied_by = $2 where id = $1`,
    [id, by],
  )
}

/** The same of one that was undone. */
export const keepUndone = async (client: PoolClient, id: number, by: string): Promise<void> => {
  await client.query(
    `update imports set state = 'undone', phase = '', code = null, detail = '', undone_at = now(),
       undone_by = $2 where id = $1`,
    [id, by],
  )
}
