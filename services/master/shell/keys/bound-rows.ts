// Wrapped secrets of earlier versions were bound to no row. At the first start they are wrapped
// anew, bound, and a file in the key folder says that this is done: from then on an unbound wrap is
// refused (OPS-30), whoever put it into the database. The file must not lie in the database: there
// the same hand could take it away.

import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fromText } from '../../../../shared/bytes.ts'
import type { Roster } from '../../../../shared/handover/roster.ts'
import { addSecret } from './key-files.ts'
import type { KeyStore } from './key-store.ts'
import type { TreeKeys } from './tree-keys.ts'

const MARK = 'rows-are-bound'

export const rowsAreBound = (folder: string): boolean => existsSync(join(folder, MARK))

/** The next start takes unbound wraps once more: for a backup made by an earlier version. */
export const acceptUnboundOnce = (folder: string): void =>
  rmSync(join(folder, MARK), { force: true })

export interface Binding {
  readonly keys: KeyStore
  readonly trees: TreeKeys
  readonly roster: Pick<Roster, 'rewrapSecrets'>
}

/** Binds what earlier versions wrapped; returns how many secrets that were. After a power cut
 * anywhere the next start does the rest. Rejects when the database does. */
export async function bindRows({ keys, trees, roster }: Binding): Promise<number> {
  if (rowsAreBound(keys.folder)) return 0
  let bound = 0
  await roster.rewrapSecrets((batch) =>
    batch.map(({ place, wrapped }) => {
      const store = place.is === 'tree' ? trees : keys
      // The first versions wrapped trees under wrap.key.
      const secret = store.unwrapUnbound(wrapped) ?? keys.unwrapUnbound(wrapped)
      if (secret === null) return null
      bound += 1
      const again = store.wrap(secret, place)
      secret.fill(0)
      return again
    }),
  )
  addSecret(keys.folder, MARK, fromText('see operating.md, Keys\n'))
  return bound
}
