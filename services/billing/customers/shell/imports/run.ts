// One import from its file to the database: a dry run, then the same again and written. Both read
// the file anew, so nothing of it is staged for longer than a transaction.

import type { Kysely } from 'kysely'
import type { Pool, PoolClient } from 'pg'
import type { Database } from '../../../store/schema.ts'
import {
  readLine,
  type Refusal,
  type StagedLine,
  type StagedReading,
} from '../../core/imports/lines.ts'
import type { Entity } from '../../core/imports/outcome.ts'
import type { ImportView, ReadingPlan } from '../../core/imports/views.ts'
import { applyPlan } from '../../db/imports/apply.ts'
import { partsOf } from '../../db/imports/files.ts'
import { digestOf, findImport, moveImport, tellProgress } from '../../db/imports/log.ts'
import { countPlan, entitiesOf, gather, previewPlan } from '../../db/imports/plan.ts'
import { createStage, stageSlice } from '../../db/imports/stage.ts'
import {
  inOneTransaction,
  keepApplied,
  keepDryRun,
  keepUndone,
} from '../../db/imports/transaction.ts'
import { findObstacles, undoImport } from '../../db/imports/undo.ts'
import { type FileVerdict, readRecords } from './records.ts'

/** Rows of each kind that a dry run shows field by field. */
const PREVIEWS = { changed: 200, new: 3 } as const
/** Shares of the progress bar, percent: reading, comparing, writing. */
const READ_SHARE = 50
const COMPARED_SHARE = 80
/** Steps of comparing in a file without mistakes. */
const COMPARE_STEPS = 6
/** How often progress is told while the file is read, ms. */
const TELL_MS = 300

export interface ImportStore {
  readonly pool: Pool
  readonly db: Kysely<Database>
  /** Whether the program is ending: what is at work then stops at its next step. */
  readonly isEnding?: () => boolean
}

/** The program ends; the transaction goes with it. */
export class Ending extends Error {}

/** Why a row is there: `changes` keeps it. */
const whyOf = ({ id, fileName }: ImportView): string => `import ${id}: ${fileName}`

/** Says how far it is, in percent. */
class Progress {
  readonly #store: ImportStore
  readonly #id: number
  #told = 0

  constructor(store: ImportStore, id: number) {
    this.#store = store
    this.#id = id
  }

  async tell(phase: string, done: number): Promise<void> {
    if (this.#store.isEnding?.() === true) throw new Ending('the program ends')
    const at = performance.now()
    if (phase === READING && at - this.#told < TELL_MS) return
    this.#told = at
    await tellProgress(this.#store.db, this.#id, { phase, done: Math.floor(done), total: 100 })
  }
}

const READING = 'Reading the file'

/** Reads and stages the file. */
async function stage(
  client: PoolClient,
  store: ImportStore,
  job: { readonly view: ImportView; readonly plan: ReadingPlan; readonly progress: Progress },
): Promise<FileVerdict> {
  const { view, plan, progress } = job
  const reader = { kind: view.kind, mapping: plan.mapping, dialect: plan }
  let read = 0
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const part of partsOf(store.db, view.id)) {
      read += part.length
      yield part
    }
  }
  return readRecords(counted(), plan, {
    head: () => true,
    take: async (records) => {
      const lines: StagedLine[] = []
      const readings: StagedReading[] = []
      const refusals: Refusal[] = []
      for (const { line, cells } of records) {
        const verdict = readLine(line, cells, reader)
        if (!verdict.ok) refusals.push(...verdict.refusals)
        else {
          lines.push(verdict.line)
          readings.push(...verdict.readings)
        }
      }
      await stageSlice(client, { lines, readings, refusals })
      await progress.tell(READING, (READ_SHARE * read) / Math.max(view.bytes, 1))
      return true
    },
  })
}

type Planned =
  | {
      readonly ok: true
      readonly counts: Awaited<ReturnType<typeof countPlan>>['counts']
      readonly digest: string
    }
  | { readonly ok: false; readonly fault: 'OPS-38' | 'OPS-39'; readonly detail: string }

/** Stages the file and plans what it means. */
async function planned(
  client: PoolClient,
  store: ImportStore,
  job: { readonly view: ImportView; readonly plan: ReadingPlan; readonly progress: Progress },
): Promise<Planned> {
  await createStage(client)
  const read = await stage(client, store, job)
  if (!read.ok) return read
  const { kind } = job.view
  let step = 0
  const share = (COMPARED_SHARE - READ_SHARE) / COMPARE_STEPS
  const done = await gather(client, { kind, zone: job.plan.zone }, (phase) => {
    step += 1
    return job.progress.tell(phase, Math.min(COMPARED_SHARE, READ_SHARE + step * share))
  })
  if (!done) {
    const detail = 'its lines depend on each other in too long chains; split it'
    return { ok: false, fault: 'OPS-39', detail }
  }
  return { ok: true, ...(await countPlan(client, kind)) }
}

/** Dry run: stores what it found beside the import, and nothing else. `note`: why it is shown
 * again. The import is in the state `checking`. */
export async function checkImport(store: ImportStore, id: number, note = ''): Promise<void> {
  const view = await findImport(store.db, id)
  if (view === null || view.plan === null) return
  const { plan } = view
  const progress = new Progress(store, id)
  const verdict = await inOneTransaction<Planned>(store.pool, async (client) => {
    const value = await planned(client, store, { view, plan, progress })
    if (!value.ok) return { keep: false, value }
    const previews = await previewPlan(client, view.kind, PREVIEWS)
    await keepDryRun(client, id, { ...value, previews, note })
    return { keep: true, value }
  })
  if (verdict === null) await busy(store, id, 'checking')
  else if (!verdict.ok) {
    const { fault: code, detail } = verdict
    await moveImport(store.db, id, { from: ['checking'], to: 'refused', code, detail })
  }
}

const busy = (store: ImportStore, id: number, from: 'checking' | 'applying' | 'undoing') =>
  moveImport(store.db, id, {
    from: [from],
    to: from === 'undoing' ? 'applied' : 'uploaded',
    detail: 'another import was at work: try again when it is done',
  })

const OVERTAKEN =
  'Something changed since the dry run that you saw, so nothing was imported: here is a new one.'

/** Applies an import as its dry run was shown; when anything has changed since, the dry run is
 * made and shown again. The import is in the state `applying`. */
export async function applyImport(store: ImportStore, id: number, by: string): Promise<void> {
  const view = await findImport(store.db, id)
  if (view === null || view.plan === null) return
  const { plan } = view
  const shown = await digestOf(store.db, id)
  const progress = new Progress(store, id)
  const author = { who: by, why: whyOf(view), importId: id }
  const applied = await overtaken(() =>
    inOneTransaction(store.pool, async (client) => {
      const found = await planned(client, store, { view, plan, progress })
      if (!found.ok || found.digest !== shown) return { keep: false, value: false }
      const job = { kind: view.kind, counts: found.counts, author }
      const entities = entitiesOf(view.kind)
      const asPlanned = await applyPlan(client, job, (entity: Entity) => {
        const share = entities.indexOf(entity) / entities.length
        const done = COMPARED_SHARE + (100 - COMPARED_SHARE) * share
        return progress.tell(`Writing: ${entity}s`, done)
      })
      if (asPlanned) await keepApplied(client, id, by)
      return { keep: asPlanned, value: asPlanned }
    }),
  )
  if (applied === null) await busy(store, id, 'applying')
  else if (!applied) {
    await moveImport(store.db, id, { from: ['applying'], to: 'checking' })
    await checkImport(store, id, OVERTAKEN)
  }
}

/** Classes of errors by which the database says that a row was faster: a number or a period taken
 * (23), a deadlock or a serialisation (40). */
const FASTER = /^(?:23|40)/

/** False when somebody else's write was faster; other errors go on. */
async function overtaken(work: () => Promise<boolean | null>): Promise<boolean | null> {
  try {
    return await work()
  } catch (error) {
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : ''
    if (typeof code === 'string' && FASTER.test(code)) return false
    throw error
  }
}

/** Takes an import back, or says with OPS-40 what stands in the way. The import is in the state
 * `undoing`. */
export async function undoById(store: ImportStore, id: number, by: string): Promise<void> {
  const view = await findImport(store.db, id)
  if (view === null) return
  const author = { who: by, why: `undo of ${whyOf(view)}`, importId: null }
  const outcome = await overtaken(async () =>
    inOneTransaction(store.pool, async (client) => {
      const obstacles = await findObstacles(client, id)
      if (obstacles.count > 0) {
        await moveImport(store.db, id, { from: ['undoing'], to: 'applied', ...namedOf(obstacles) })
        return { keep: false, value: true }
      }
      await tellProgress(store.db, id, { phase: 'Taking rows back', done: 50, total: 100 })
      await undoImport(client, author)
      await keepUndone(client, id, by)
      return { keep: true, value: true }
    }),
  )
  if (outcome === null) await busy(store, id, 'undoing')
  else if (!outcome) {
    const detail = 'something rests on a row of it by now'
    await moveImport(store.db, id, { from: ['undoing'], to: 'applied', code: 'OPS-40', detail })
  }
}

function namedOf({ count, first }: Awaited<ReturnType<typeof findObstacles>>) {
  const named = first.map(({ what, key, why }) => `${what} ${key} ${why}`).join('; ')
  const more = count > first.length ? `; and ${count - first.length} more` : ''
  return { code: 'OPS-40', detail: `${named}${more}` }
}
