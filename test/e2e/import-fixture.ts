// Imports of files that a test writes down.

import type { Kind } from '../../services/billing/customers/core/imports/kinds.ts'
import { prepareImport } from '../../services/billing/customers/shell/imports/prepare.ts'
import {
  proposedEncoding,
  receiveFile,
} from '../../services/billing/customers/shell/imports/receive.ts'
import type { ImportStore } from '../../services/billing/customers/shell/imports/run.ts'
import { moveImport } from '../../services/billing/customers/db/imports/log.ts'
import type { TestPostgres } from './postgres.ts'

export interface GivenFile {
  readonly kind: Kind
  readonly text: string | Uint8Array
}

export const importStore = ({ db }: Pick<TestPostgres, 'db'>): ImportStore => ({
  pool: db.pool,
  db: db.kysely,
})

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
}

/** Receives the file and maps its columns as proposed; the import's id, ready to be checked. */
export async function prepared(
  { db }: Pick<TestPostgres, 'db'>,
  { kind, text }: GivenFile,
): Promise<number> {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text
  const received = await receiveFile(db.kysely, {
    kind,
    name: `${kind}.csv`,
    by: 'ola',
    chunks: chunksOf(bytes),
  })
  if (!received.ok) throw new Error(received.detail)
  const { id, encoding } = received
  const made = await prepareImport(
    db.kysely,
    { id, kind, zone: '' },
    {
      encoding: proposedEncoding(encoding),
      delimiter: null,
      decimal: null,
      dates: null,
      zone: null,
      mapping: null,
    },
  )
  if (!made.ok) throw new Error(made.detail)
  await moveImport(db.kysely, id, { from: ['uploaded'], to: 'checking' })
  return id
}

/** Removes what imports and registrations made. */
export async function emptyRegistry({ owner }: TestPostgres): Promise<void> {
  const tables = 'manual_readings installations contract_terms contracts meters service_points'
  for (const table of `${tables} customers imports`.split(' ')) {
    await owner.query(`delete from ${table}`)
  }
  await owner.query('truncate changes')
}
