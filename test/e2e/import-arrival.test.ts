// A file while it arrives: until it is whole nothing of it can be read, and what breaks off
// is gone.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { findImport, listImports } from '../../services/billing/customers/db/imports/log.ts'
import {
  dropImport,
  dropOldFiles,
  partsOf,
} from '../../services/billing/customers/db/imports/files.ts'
import { receiveFile } from '../../services/billing/customers/shell/imports/receive.ts'
import { emptyRegistry } from './import-fixture.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

let postgres: TestPostgres

before(async () => {
  postgres = await testPostgres()
})
after(() => postgres.close())
beforeEach(() => emptyRegistry(postgres))

/** Longer than a stored part. */
const SOME = Buffer.from(`number,name\n${'C-1,Somebody\n'.repeat(30_000)}`)
const file = (chunks: AsyncIterable<Uint8Array>, isCut = () => false) =>
  receiveFile(postgres.db.kysely, { kind: 'customers', name: 'a.csv', by: 'ola', chunks, isCut })
const newest = async () => (await listImports(postgres.db.kysely, null)).imports[0]

test('what has come so far of a file is no file; it is one once it is whole', async () => {
  const { promise: rest, resolve: end } = Promise.withResolvers<void>()
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  const receiving = file(
    (async function* () {
      yield SOME
      begin()
      await rest
    })(),
  )
  await begun
  const arriving = await newest()
  assert.ok(arriving !== undefined)
  const parts = await partsOf(postgres.db.kysely, arriving.id)[Symbol.asyncIterator]().next()
  assert.deepEqual([parts.done, arriving.hasFile], [false, false])
  end()
  assert.equal((await receiving).ok, true)
  assert.equal((await findImport(postgres.db.kysely, arriving.id))?.hasFile, true)
})

test('of a file that breaks off, or that is too long to be taken whole, nothing stays', async () => {
  const broken = file(
    (async function* () {
      yield SOME
      throw new Error('the line broke')
    })(),
  )
  await assert.rejects(broken, /the line broke/)
  assert.equal(await newest(), undefined)
  const whole = async function* () {
    yield SOME
  }
  const cut = await file(whole(), () => true)
  assert.deepEqual([cut.ok, await newest()], [false, undefined])
})

test('a file that somebody discards while it arrives is refused in words (OPS-39)', async () => {
  const received = await file(
    (async function* () {
      yield SOME
      const view = await newest()
      if (view !== undefined) await dropImport(postgres.db.kysely, view.id)
      yield SOME
    })(),
  )
  assert.deepEqual(received, { ok: false, fault: 'OPS-39', detail: 'somebody discarded it' })
})

test('what was arriving when the program was killed goes with the next file', async () => {
  const { rows } = await postgres.owner.query<{ id: number }>(
    `insert into imports (kind, file_name, bytes, sha256, uploaded_by, uploaded_at)
     values ('customers', 'a.csv', 0, '', 'ola', now() - interval '2 hours') returning id`,
  )
  assert.equal((await newest())?.id, rows[0]?.id)
  await dropOldFiles(postgres.db.kysely)
  assert.equal(await newest(), undefined)
})
