// What the pages of imports ask for, over the database and the desk.

import type { Kysely } from 'kysely'
import type { CsvList } from '../../../kit/csv.ts'
import type { Upload } from '../../../kit/door.ts'
import type { Database } from '../../../store/schema.ts'
import type { Dialect } from '../../core/imports/dialect.ts'
import type { Kind } from '../../core/imports/kinds.ts'
import { type Mapping, mappingProblem } from '../../core/imports/mapping.ts'
import type { ImportView } from '../../core/imports/views.ts'
import { dropImport, partsOf } from '../../db/imports/files.ts'
import {
  findImport,
  listImports,
  noteOnImport,
  previewsOf,
  refusalsOf,
} from '../../db/imports/log.ts'
import type { ImportDesk } from './desk.ts'
import { readHead } from './head.ts'
import { prepareImport } from './prepare.ts'
import { proposedEncoding, receiveFile } from './receive.ts'
import { refusedList } from './refused.ts'

const PROPOSE = { delimiter: null, decimal: null, dates: null, zone: null, mapping: null } as const

/** `zone`: of the utility, proposed for service points whose line names none. */
export function importOffice(
  db: Kysely<Database>,
  { desk, zone }: { readonly desk: ImportDesk; readonly zone: () => Promise<string> },
) {
  return {
    desk,
    list: (before: number | null) => listImports(db, before),
    find: (id: number) => findImport(db, id),
    found: async ({ id }: ImportView) => {
      const [previews, refusals] = await Promise.all([
        previewsOf(db, id),
        refusalsOf(db, id, { after: 0, limit: null }),
      ])
      return { previews, refusals }
    },
    sample: async ({ id, plan }: ImportView) => {
      const verdict = await readHead(partsOf(db, id), {
        encoding: plan?.encoding ?? 'utf-8',
        delimiter: plan?.delimiter ?? null,
      })
      return verdict.ok ? verdict.head.sample : null
    },
    receive: async (file: {
      readonly kind: Kind
      readonly by: string
      readonly upload: Upload
    }) => {
      const { kind, by, upload } = file
      const received = await receiveFile(db, {
        kind,
        by,
        name: upload.filename,
        chunks: upload.chunks,
        isCut: () => upload.isCut(),
      })
      if (!received.ok) return received
      const { id, encoding } = received
      const proposed = { ...PROPOSE, encoding: proposedEncoding(encoding) }
      const prepared = await prepareImport(db, { id, kind, zone: await zone() }, proposed)
      if (!prepared.ok) {
        await dropImport(db, id)
        return { ok: false, detail: prepared.detail } as const
      }
      if (!encoding.ok) {
        const said = `Line ${encoding.line} ${encoding.why}. Look at the cells below: if they are`
        const detail = `${said} right in the encoding that is chosen there, go on.`
        await noteOnImport(db, id, { code: 'OPS-38', detail })
      }
      return { ok: true, id } as const
    },
    read: async (
      { id, kind }: ImportView,
      typed: Dialect & { readonly mapping: Mapping | null },
    ): Promise<string | null> => {
      const prepared = await prepareImport(db, { id, kind, zone: typed.zone }, typed)
      if (!prepared.ok) return `${prepared.fault}: ${prepared.detail}.`
      const problem = mappingProblem(kind, prepared.plan.mapping)
      return problem === null ? null : `The columns were read anew: ${problem}.`
    },
    refused: (view: ImportView): CsvList => refusedList(db, view),
    drop: (id: number) => dropImport(db, id),
  }
}
