// The operators' pages of readings by hand.

import type { FastifyInstance } from 'fastify'
import { isMeterNumber } from '../../../../shared/meter/reading.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import { ConfirmPage } from '../../kit/confirm-page.tsx'
import type { CsvList } from '../../kit/csv.ts'
import {
  type Door,
  field,
  type Outcome,
  param,
  query,
  smallRowId,
  type Visit,
} from '../../kit/door.ts'
import { EMPTY_FORM, type FormState, readForm } from '../../kit/form.ts'
import { countText, quantityNumber, unitText, utcSecondText } from '../../kit/format.ts'
import { type ListQuery, pageOf, readList, readSelection } from '../../kit/list.ts'
import { NOT_FOUND } from '../../kit/trouble.ts'
import type { Author } from '../../store/changes.ts'
import { zoneOf } from '../core/manual.ts'
import type { ManualMeterView } from '../core/manual-views.ts'
import { MANUAL_COUNT_MAX } from '../db/manual.ts'
import type { ManualStore } from '../db/manual-store.ts'
import type { Decision } from '../db/manual-writes.ts'
import {
  ChooseMeterPage,
  EnterReadingPage,
  MANUAL_LIST,
  ManualListPage,
  ManualPage,
} from '../pages/manual.tsx'
import { blankEntry, readEntry, registerChoices } from './manual-entry.ts'
import { refusedEntry } from './refused-entry.ts'

export interface ManualDeps {
  readonly manual: ManualStore
  readonly now: () => UnixMs
}

export const byHand = (who: string, why: string): Author => ({ who, why, importId: null })

export function manualRoutes(app: FastifyInstance, deps: ManualDeps, page: Door): void {
  const { manual, now } = deps
  app.get(
    '/readings/manual',
    page(async ({ context, request }) => {
      const asked = readList(request.query, MANUAL_LIST)
      const { rows, count } = await manual.list(asked)
      const done = doneText(query(request, 'done'), query(request, 'n'), query(request, 'left'))
      return {
        page: ManualListPage({
          context,
          query: asked,
          page: pageOf(rows, asked, (row) => row),
          total: { count, most: MANUAL_COUNT_MAX },
          done,
          now: now(),
        }),
      }
    }),
  )
  app.get(
    '/readings/manual.csv',
    page(async ({ request }) => ({
      csv: csvOf(manual, readList(request.query, MANUAL_LIST)),
      name: 'manual-readings.csv',
    })),
  )
  entryRoutes(app, deps, page)
  decisionRoutes(app, deps, page)
}

/** Rows of a list that are fetched together for a file. */
const CSV_ROWS = 1_000

function csvOf(manual: ManualStore, asked: ListQuery): CsvList {
  async function* rows(): AsyncGenerator<readonly (string | { readonly exact: string })[]> {
    let query: ListQuery = { ...asked, after: null, before: null, limit: CSV_ROWS }
    for (;;) {
      const { rows: fetched } = await manual.list(query)
      for (const row of fetched.slice(0, CSV_ROWS)) {
        const { value, exponent, unit } = row
        const { meter, obis, kind, state, photo, note, enteredBy, decidedWhy } = row
        const number = { exact: quantityNumber(value, exponent, unit) }
        const when = [utcSecondText(row.at), utcSecondText(row.enteredAt)] as const
        const who = [enteredBy, state, decidedWhy ?? ''] as const
        yield [meter, obis, number, unitText(unit), when[0], kind, photo, note, when[1], ...who]
      }
      const last = fetched[CSV_ROWS - 1]
      if (fetched.length <= CSV_ROWS || last === undefined) return
      query = { ...query, after: { key: last.key, id: last.id } }
    }
  }
  const head =
    'Meter,Register,Reading,Unit,Read,Kind,Photo,Note,Entered,Entered by,State,Why'.split(',')
  return { head, rows: rows() }
}

/** What the redirect of a decision says. */
function doneText(done: string, count: string, left: string): string | null {
  const number = (text: string): number => smallRowId(text) ?? 0
  if (done === 'entered') return 'The reading is stored and waits for a decision.'
  if (done === 'approved-one') return 'The reading is stored and approved.'
  if (done !== 'approved' && done !== 'refused') return null
  const kept = number(left)
  const rest =
    kept === 0 ? '' : ` ${countText(kept)} wait on: they contradict another reading (BIL-32).`
  return `${countText(number(count))} ${done}.${rest}`
}

function entryRoutes(app: FastifyInstance, { manual, now }: ManualDeps, page: Door): void {
  const show = (
    { context }: Visit,
    meter: ManualMeterView,
    form: FormState,
    warnings: readonly string[] = [],
  ) => {
    const [place] = meter.places
    const where =
      place === undefined
        ? 'installed nowhere'
        : `${place.address} (${place.servicePoint}, ${zoneOf(place)})`
    const registers = registerChoices(meter)
    return EnterReadingPage({ context, meter, place: where, form, registers, warnings })
  }
  app.get(
    '/readings/manual/new',
    page(async (visit) => {
      const { context, request } = visit
      const id = smallRowId(query(request, 'meter'))
      const number = query(request, 'number').trim()
      if (id === null && number === '') {
        return { page: ChooseMeterPage({ context, form: EMPTY_FORM }) }
      }
      const known = id !== null || isMeterNumber(number)
      const meter = known ? await manual.meter(id === null ? { number } : { id }) : null
      if (meter !== null) return { page: show(visit, meter, blankEntry(meter, now())) }
      if (id !== null) return { trouble: NOT_FOUND }
      const errors = { number: 'No meter has this number. Look at the list of meters.' }
      return {
        status: 422,
        page: ChooseMeterPage({ context, form: { values: { number }, errors } }),
      }
    }),
  )
  app.post(
    '/readings/manual/new',
    page(async (visit) => {
      const { request, viewer } = visit
      const id = smallRowId(field(request, 'meter'))
      const meter = id === null ? null : await manual.meter({ id })
      if (meter === null) return { trouble: NOT_FOUND }
      const read = readEntry(request, meter, now())
      const { values } = read
      const kind = kindOf(values.kind)
      if (!read.ok || kind === null) {
        const wrong = kind === null ? { kind: 'Say who read it.' } : {}
        const errors = { ...(read.ok ? {} : read.errors), ...wrong }
        return { status: 422, page: show(visit, meter, { values, errors }) }
      }
      const author = byHand(viewer.name, 'read by hand')
      const entry = { ...read.reading, meterId: meter.id, kind, now: now() }
      const entered = await manual.enter(author, entry)
      if (entered.is !== 'done') {
        const { errors, warnings } = refusedEntry(entered, read.reading)
        return { status: 422, page: show(visit, meter, { values, errors }, warnings) }
      }
      if (values.approve !== 'yes') return { to: '/readings/manual?done=entered' }
      const approve = { id: entered.id, decision: 'approved', now: now() } as const
      const decided = await manual.decide(byHand(viewer.name, 'approved when entered'), approve)
      return {
        to: `/readings/manual?done=${decided.is === 'done' ? 'approved-one' : 'entered'}`,
      }
    }),
  )
}

const kindOf = (text: string): 'technician' | 'customer' | null =>
  text === 'technician' || text === 'customer' ? text : null

/** Longest reason. */
const WHY_CHARS_MAX = 200

function decisionRoutes(app: FastifyInstance, deps: ManualDeps, page: Door): void {
  const { manual, now } = deps
  const show = async (
    { context, request }: Visit,
    form: FormState,
    status: 200 | 409 | 422,
  ): Promise<Outcome> => {
    const id = smallRowId(param(request, 'id'))
    const view = id === null ? null : await manual.row(id)
    if (view === null) return { trouble: NOT_FOUND }
    return { status, page: ManualPage({ context, ...view, form, now: now() }) }
  }
  app.get(
    '/readings/manual/:id',
    page(async (visit) => show(visit, EMPTY_FORM, 200)),
  )
  app.post(
    '/readings/manual/:id',
    page(async (visit) => {
      const { request, viewer } = visit
      const id = smallRowId(param(request, 'id'))
      if (id === null) return { trouble: NOT_FOUND }
      const values = readForm(request, ['decision', 'why'])
      const decision = decisionOf(values.decision)
      const errors = {
        ...(decision === null ? { decision: 'Choose one.' } : {}),
        ...whyErrors(values.why),
      }
      if (decision === null || errors.why !== undefined) {
        return show(visit, { values, errors }, 422)
      }
      const author = byHand(viewer.name, values.why)
      const decided = await manual.decide(author, { id, decision, now: now() })
      if (decided.is === 'gone') return { trouble: NOT_FOUND }
      if (decided.is === 'done') return { to: `/readings/manual?done=${decision}&n=1` }
      const said =
        decided.is === 'decided'
          ? `${decided.row.decidedBy ?? 'Somebody'} has decided already.`
          : 'It contradicts another reading (BIL-32), see above: refuse it, or mend that first.'
      return show(visit, { values, errors: { decision: said } }, 409)
    }),
  )
  selectionRoute(app, deps, page)
}

const decisionOf = (text: string): Decision | null =>
  text === 'approved' || text === 'refused' ? text : null

const whyErrors = (why: string): { readonly why?: string } => {
  if (why === '') return { why: 'A reason is needed: it stands in the record of changes.' }
  return why.length > WHY_CHARS_MAX ? { why: `Shorten it to ${WHY_CHARS_MAX} letters.` } : {}
}

/** A selection: first the question, then, with the reason, the decision on each. */
function selectionRoute(app: FastifyInstance, { manual, now }: ManualDeps, page: Door): void {
  app.post(
    '/readings/manual/decide',
    page(async ({ context, request, viewer }) => {
      const selection = readSelection(request, MANUAL_LIST)
      const decision = field(request, 'do') === 'refuse' ? 'refused' : 'approved'
      if (selection === null || selection.all) return { to: '/readings/manual' }
      const { ids } = selection
      const why = field(request, 'why').trim()
      const errors = field(request, 'sure') === 'yes' ? whyErrors(why) : { why: '' }
      if (errors.why !== undefined) {
        const verb = decision === 'approved' ? 'Approve' : 'Refuse'
        const shown = errors.why === '' ? {} : { why: errors.why }
        return {
          status: errors.why === '' ? 200 : 422,
          page: ConfirmPage({
            context,
            title: `${verb} ${countText(ids.length)} readings?`,
            text: 'An approved reading counts on bills and stays for ever; a refused one never counts.',
            action: '/readings/manual/decide',
            fields: { do: verb.toLowerCase(), id: ids.map(String) },
            yes: `${verb} them`,
            back: '/readings/manual',
            why: true,
            form: { values: { why }, errors: shown },
          }),
        }
      }
      let done = 0
      for (const id of ids) {
        const decided = await manual.decide(byHand(viewer.name, why), { id, decision, now: now() })
        if (decided.is === 'done') done += 1
      }
      return { to: `/readings/manual?done=${decision}&n=${done}&left=${ids.length - done}` }
    }),
  )
}
