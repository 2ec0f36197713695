// The editor of tariffs: what was typed is checked, compared and billed for trial each time, and
// published when that is what was asked for and nothing stands in the way.

import type { FastifyRequest } from 'fastify'
import type { JsonObject } from '../../../../shared/documents/canonical.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import { type CivilDate, isCivilDate, monthOf } from '../../civil/calendar.ts'
import { field, type Outcome, uploadBytes, type Visit } from '../../kit/door.ts'
import { type FieldErrors, hasErrors, type Stale, versionOf } from '../../kit/form.ts'
import { differences } from '../core/differences.ts'
import { dayRefusal, dayWarnings } from '../core/publishing.ts'
import { workedBill } from '../core/trial.ts'
import type { CheckedTariff, PublishedVersion, TextFault } from '../core/views.ts'
import type { TariffStore } from '../db/reads.ts'
import { EditorPage, type ShownFault } from '../pages/editor.tsx'
import { readTariffText, tariffFile } from '../shell/tariff-text.ts'

type Name = 'document' | 'kWh' | 'begin' | 'end' | 'from' | 'why' | 'sure'
export type EditorValues = Readonly<Record<Name, string>>

/** Longest reason that is recorded, characters. */
const WHY_MAX = 300

/** What an editor opens with: this month for a new tariff, otherwise the next one for which nothing
 * is published; and some consumption to see a bill. `last`: first day of the newest version. */
export function valuesFor(
  document: string,
  today: CivilDate,
  last: CivilDate | null,
): EditorValues {
  const from = last === null ? monthOf(today).from : monthOf(last > today ? last : today).to
  const { to: end } = monthOf(from)
  return { document, kWh: '250', begin: from, end, from, why: '', sure: '' }
}

/** The document as it was typed, so that its lines keep their numbers; the rest trimmed. */
function typedValues(request: FastifyRequest): EditorValues {
  const text = (name: string): string => field(request, name).trim()
  return {
    document: field(request, 'document'),
    kWh: text('kWh'),
    begin: text('begin'),
    end: text('end'),
    from: text('from'),
    why: text('why'),
    sure: text('sure'),
  }
}

/** Stands for a day that is no date: nothing is billed from then on. */
const NEVER = '9999-01-01'

interface Checked {
  readonly faults: readonly ShownFault[]
  readonly errors: FieldErrors
  readonly checked: CheckedTariff | null
  /** In normal form; null: it is no tariff. */
  readonly document: JsonObject | null
  /** The version it is compared with. */
  readonly newest: PublishedVersion | null
}

async function checkDraft(store: TariffStore, values: EditorValues): Promise<Checked> {
  const verdict = readTariffText(values.document)
  if (!verdict.ok) {
    const faults = verdict.faults.map((fault) => ({ ...fault, excerpt: excerptOf(values, fault) }))
    return { faults, errors: {}, checked: null, document: null, newest: null }
  }
  const { tariff, hash } = verdict
  const newest = await store.newest(tariff.code)
  const { from, kWh, begin, end } = values
  const standing = await store.standing(tariff.code, isCivilDate(from) ? from : NEVER)
  const refusal = dayRefusal(from, hash, standing)
  const worked = kWh === '' ? null : workedBill(tariff, { kWh, from: begin, to: end })
  const trialErrors: FieldErrors =
    worked === null || worked.ok ? {} : renamed(worked.errors, { from: 'begin', to: 'end' })
  return {
    faults: [],
    errors: { ...trialErrors, ...(refusal === null ? {} : { from: refusal }) },
    checked: {
      tariff,
      against: newest?.validFrom ?? null,
      changes: newest === null ? [] : differences(newest.tariff, tariff),
      trial: worked?.ok === true ? worked.trial : null,
      warnings: refusal === null ? dayWarnings(from, standing) : [],
    },
    document: verdict.document,
    newest,
  }
}

function renamed(
  errors: { readonly [name: string]: string | undefined },
  names: Readonly<Record<string, string>>,
): FieldErrors {
  return Object.fromEntries(
    Object.entries(errors).flatMap(([name, error]) =>
      error === undefined ? [] : [[names[name] ?? name, error]],
    ),
  )
}

/** Characters of the line that are shown before and behind a mistake. */
const EXCERPT = 40

/** The line of a mistake, with a caret under its place. */
function excerptOf({ document }: EditorValues, { line, column }: TextFault): string {
  const text = Array.from(document.split(/\r\n|\r|\n/)[line - 1] ?? '')
  const begin = Math.max(0, column - 1 - EXCERPT)
  const shown = text
    .slice(begin, column - 1 + EXCERPT)
    .join('')
    .replaceAll('\t', ' ')
  return shown.trim() === '' ? '' : `${shown}\n${' '.repeat(column - 1 - begin)}^`
}

interface Editing {
  readonly store: TariffStore
  /** The tariff that gets a new version; null: a new one. */
  readonly code: string | null
}

/** The editor as it is opened: checked already, without a word on what is still empty. */
export async function openEditor(
  { context }: Visit,
  { store, code }: Editing,
  values: EditorValues,
): Promise<Outcome> {
  const { faults, checked, newest } = await checkDraft(store, values)
  const shown = values.document === '' ? [] : faults
  const form = { values, errors: {} }
  const seen = newest?.id ?? 0
  return { page: EditorPage({ context, code, form, faults: shown, checked, seen }) }
}

/** The editor with the text of a file in it. */
export async function loadFile(
  visit: Visit,
  editing: Editing & { readonly today: CivilDate },
): Promise<Outcome> {
  const { today, store, code } = editing
  const last = code === null ? null : ((await store.newest(code))?.validFrom ?? null)
  const { upload, context } = visit
  const bytes = upload === null ? null : await uploadBytes(upload)
  const read = bytes === null ? NO_FILE : tariffFile(bytes)
  if (read.ok && read.text.trim() !== '') {
    const { text } = read
    const { faults } = await checkDraft(store, valuesFor(text, today, last))
    const opened = await openEditor(visit, editing, valuesFor(text, today, last))
    return 'page' in opened && faults.length > 0 ? { ...opened, status: 422 } : opened
  }
  const faults = (read.ok ? NO_FILE : read).faults.map((fault) => ({ ...fault, excerpt: '' }))
  const form = { values: valuesFor('', today, null), errors: {} }
  const page = EditorPage({ context, code, form, faults, checked: null, seen: 0 })
  return { status: 422, page }
}

const NO_FILE = {
  ok: false,
  faults: [{ line: 1, column: 1, path: '', why: 'no file, or an empty or far too large one' }],
} as const

/** Check or publish, as the button says. */
export async function postEditor(
  visit: Visit,
  { store, code, now }: Editing & { readonly now: UnixMs },
): Promise<Outcome> {
  const { request, viewer } = visit
  const values = typedValues(request)
  const seen = versionOf(request) ?? 0
  const draft = await checkDraft(store, values)
  const { document, checked } = draft
  if (field(request, 'do') !== 'publish' || document === null || checked === null) {
    const wasSeen = seen === 0 || draft.newest === null || draft.newest.id === seen
    return shown(visit, { ...draft, code, values, stale: wasSeen ? null : staleFor(draft) })
  }
  const errors = { ...draft.errors, ...missing(values, checked) }
  if (hasErrors(errors)) return shown(visit, { ...draft, errors, code, values, stale: null })
  const author = { who: viewer.name, why: values.why, importId: null }
  const entry = { document, validFrom: values.from, now, author, seen: seen === 0 ? null : seen }
  const publication = await store.publish(entry)
  if (publication.ok) {
    return { to: `/tariffs/${encodeURIComponent(checked.tariff.code)}?published=${values.from}` }
  }
  // Somebody else published meanwhile, or this very day was taken a moment ago.
  const again = await checkDraft(store, values)
  const told = { from: publication.detail, ...again.errors }
  return 'newest' in publication
    ? shown(visit, { ...again, code, values, stale: staleFor(again) })
    : shown(visit, { ...again, errors: told, code, values, stale: null })
}

function missing({ why, sure }: EditorValues, { warnings }: CheckedTariff): FieldErrors {
  const errors: Record<string, string> = {}
  if (why === '') errors['why'] = 'Say why: it is recorded with your name.'
  else if (why.length > WHY_MAX) errors['why'] = `Longer than ${WHY_MAX} characters: shorten it.`
  if (warnings.length > 0 && sure !== 'yes') {
    errors['sure'] = 'Read the warning, then tick this to publish all the same.'
  }
  return errors
}

/** What the other one published, beside what stands in the editor. */
function staleFor({ newest, checked }: Checked): Stale {
  const fields = (checked?.changes ?? []).map(({ what, before, after }) => ({
    label: what,
    typed: after ?? '',
    stored: before ?? '',
  }))
  return { who: newest?.author?.who ?? null, at: newest?.publishedAt ?? null, fields }
}

interface Answer extends Checked {
  readonly code: string | null
  readonly values: EditorValues
  readonly stale: Stale | null
}

function shown({ context }: Visit, answer: Answer): Outcome {
  const { code, values, stale, errors, faults, checked, newest } = answer
  const form = { values, errors, stale }
  const page = EditorPage({ context, code, form, faults, checked, seen: newest?.id ?? 0 })
  if (stale !== null) return { status: 409, page }
  return { status: faults.length > 0 || hasErrors(errors) ? 422 : 200, page }
}
