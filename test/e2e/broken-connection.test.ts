import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { sql } from 'kysely'
import { testPostgres } from './postgres.ts'

test('a connection that breaks between two statements fails its transaction, not the process', async (t) => {
  const { db, close } = await testPostgres()
  t.after(close)
  const transaction = db.kysely.transaction().execute(async (tx) => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx)
    // The server ends the connection while no statement of ours runs on it.
    await db.pool.query('select pg_terminate_backend($1)', [rows[0]?.pid])
    await wait(200)
    await sql`select 1`.execute(tx)
  })
  await assert.rejects(transaction)
  const { rows } = await db.pool.query<{ one: number }>('select 1 as one')
  assert.equal(rows[0]?.one, 1, 'the pool goes on')
})
