// One change for a selection of accounts: first what is to change, then what would become of each,
// then the change, in one transaction of those for which nothing stands in the way.

import type { FastifyInstance } from 'fastify'
import { addDays } from '../../civil/calendar.ts'
import { type Door, field, type Outcome, type Visit } from '../../kit/door.ts'
import { hasErrors, readForm } from '../../kit/form.ts'
import { choicesOf, type ListQuery, readSelection, type Selection } from '../../kit/list.ts'
import { troubleOf } from '../../kit/trouble.ts'
import type { Author } from '../../store/changes.ts'
import type { TariffChoice } from '../core/details.ts'
import { errorTexts, MISSING, Sheet } from '../core/entries.ts'
import { DATE } from '../core/fields.ts'
import { ACCOUNTS } from '../core/lists.ts'
import { done, type Written } from '../core/written.ts'
import { endContract } from '../db/contracts.ts'
import { setTerms } from '../db/terms.ts'
import type { Trx } from '../db/writing.ts'
import { BULK_TITLES, BulkPage, type BulkRefusal, isBulkKind } from '../pages/bulk.tsx'
import type { CustomerDeps } from './deps.ts'
import { authorOf } from './saved.ts'

/** Accounts changed at once: each takes some statements, and the whole must answer in seconds. */
const BULK_MAX = 1_000

const NOBODY = troubleOf(
  422,
  'Nothing is selected',
  'Go back and tick the accounts that are meant.',
)
const TOO_MANY = troubleOf(
  422,
  'Too many accounts at once',
  `At most ${BULK_MAX} are changed in one go: narrow the list by its search and filters.`,
)
const NO_SUCH = troubleOf(422, 'There is no such change', 'Go back and choose one of the buttons.')

export function bulkRoutes(app: FastifyInstance, deps: CustomerDeps, page: Door): void {
  app.post(
    '/accounts/bulk',
    page((visit) => bulk(deps, visit)),
  )
}

async function bulk(deps: CustomerDeps, visit: Visit): Promise<Outcome> {
  const { context, request } = visit
  const kind = field(request, 'do')
  if (!isBulkKind(kind)) return { trouble: NO_SUCH }
  const selection = readSelection(request, ACCOUNTS)
  if (selection === null) return { trouble: NOBODY }
  const chosen = await accountsOf(deps, selection)
  if (chosen === null) return { trouble: TOO_MANY }
  if (chosen.length === 0) return { trouble: NOBODY }
  const tariffs = await deps.customerDetails.tariffs()
  const values = readForm(request, ['from', 'tariff', 'missing', 'lastDay', 'why'])
  const fields = { do: kind, ...fieldsFor(selection) }
  const shown = { context, kind, count: chosen.length, fields, tariffs }
  const step = field(request, 'step')
  if (step === '') {
    return { page: BulkPage({ ...shown, form: { values, errors: {} }, tried: null }) }
  }
  const checked = checkedChange(kind, values, tariffs)
  if (!checked.ok) {
    const form = { values, errors: checked.errors }
    return { status: 422, page: BulkPage({ ...shown, form, tried: null }) }
  }
  const author = authorOf(visit, BULK_TITLES[kind].toLowerCase())
  const attempt = changing(chosen, author, checked.change)
  if (step !== 'do') {
    const refusals: BulkRefusal[] = []
    await deps.customerWrites.attempt((trx) => attempt(trx, refusals))
    const form = { values, errors: {} }
    return { page: BulkPage({ ...shown, form, tried: refusals }) }
  }
  await deps.customerWrites.write((trx) => attempt(trx, []))
  return { to: '/accounts' }
}

interface Chosen {
  readonly id: number
  readonly number: string
}

/** The selected accounts; null: too many. */
async function accountsOf(
  { customerLists: lists }: CustomerDeps,
  selection: Selection,
): Promise<readonly Chosen[] | null> {
  if (!selection.all) return lists.accountsById(selection.ids)
  const query: ListQuery = { ...selection.list, after: null, before: null, limit: BULK_MAX }
  const rows = await lists.accounts(query)
  return rows.length > BULK_MAX ? null : rows
}

const fieldsFor = (selection: Selection): Readonly<Record<string, string | readonly string[]>> =>
  selection.all
    ? { all: 'yes', ...choicesOf(ACCOUNTS, selection.list) }
    : { id: selection.ids.map(String) }

type Change = (trx: Trx, author: Author, id: number) => Promise<Written>

function checkedChange(
  kind: keyof typeof BULK_TITLES,
  values: Readonly<Record<string, string>>,
  tariffs: readonly TariffChoice[],
):
  | { readonly ok: true; readonly change: Change }
  | { readonly ok: false; readonly errors: Readonly<Record<string, string>> } {
  const sheet = new Sheet(values)
  const day = sheet.take(kind === 'end' ? 'lastDay' : 'from', DATE)
  const missing = kind === 'missing' ? sheet.take('missing', MISSING) : 'wait'
  const checked = sheet.checked(null)
  const errors: Record<string, string> = checked.ok ? {} : { ...errorTexts(checked.errors) }
  const tariff = tariffs.find(({ code }) => code === values['tariff'])
  if (kind === 'tariff' && tariff === undefined) errors['tariff'] = 'Choose a tariff.'
  if (hasErrors(errors)) return { ok: false, errors }
  const terms = { version: null, from: day }
  const tariffId = tariff?.id ?? null
  const changes: Readonly<Record<typeof kind, Change>> = {
    tariff: (trx, author, contractId) => setTerms(trx, author, { ...terms, contractId, tariffId }),
    missing: (trx, author, contractId) => setTerms(trx, author, { ...terms, contractId, missing }),
    end: (trx, author, id) => endContract(trx, author, { id, version: null, to: addDays(day, 1) }),
  }
  return { ok: true, change: changes[kind] }
}

/** Changes each; what is refused is told and left as it is: its checks come before any write. */
function changing(chosen: readonly Chosen[], author: Author, change: Change) {
  return async (trx: Trx, refusals: BulkRefusal[]): Promise<Written> => {
    refusals.length = 0
    // Everybody locks accounts in the order of their ids, so that two selections cannot wait for
    // each other.
    for (const { id, number } of chosen.toSorted((a, b) => a.id - b.id)) {
      const written = await change(trx, author, id)
      if (written.is !== 'refused') continue
      const text = written.refusals.map((each) => each.text).join(' ')
      refusals.push({ id, number, text })
    }
    return done(0)
  }
}
