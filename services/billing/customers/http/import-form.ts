// The form that says how a file is read: from the stored plan to fields, and from posted fields to
// what was chosen.

import type { FastifyRequest } from 'fastify'
import { field } from '../../kit/door.ts'
import type { FormState } from '../../kit/form.ts'
import { errorText, ZONE } from '../core/fields.ts'
import { type Dialect, isDelimiter, isEncodingName } from '../core/imports/dialect.ts'
import { type Mapping, mappingProblem, readMapping } from '../core/imports/mapping.ts'
import type { ImportView } from '../core/imports/views.ts'
import { columnField } from '../pages/imports/mapping.tsx'

export interface Typed extends Dialect {
  /** Null: the separator or the encoding is another one now, so the columns are to be read anew. */
  readonly mapping: Mapping | null
}

/** The fields as the stored plan has them. */
export function formOf(view: ImportView): FormState {
  const { plan } = view
  if (plan === null) return { values: { encoding: 'utf-8', delimiter: ',' }, errors: {} }
  const columns = plan.mapping.map((target, at) => [columnField(at), target ?? ''] as const)
  return {
    values: {
      encoding: plan.encoding,
      delimiter: plan.delimiter === '\t' ? 'tab' : plan.delimiter,
      decimal: plan.decimal,
      dates: plan.dates,
      zone: plan.zone,
      ...Object.fromEntries(columns),
    },
    errors: {},
  }
}

type Values = Readonly<Record<string, string>>

export type Choice =
  | { readonly ok: true; readonly typed: Typed; readonly values: Values }
  | { readonly ok: false; readonly errors: Values; readonly values: Values }

/** What was chosen in the form. */
export function choicesOf(request: FastifyRequest, view: ImportView): Choice {
  const names = view.headers.map((_, at) => columnField(at))
  const columns = names.map((name) => field(request, name))
  const [encoding, separator] = [field(request, 'encoding'), field(request, 'delimiter')]
  const delimiter = separator === 'tab' ? '\t' : separator
  const [decimal, dates] = [field(request, 'decimal'), field(request, 'dates')]
  const zone = field(request, 'zone').trim()
  const chosen = Object.fromEntries(names.map((name, at) => [name, columns[at] ?? '']))
  const values = { encoding, delimiter: separator, decimal, dates, zone, ...chosen }
  const mapping = readMapping(view.kind, columns)
  if (!isEncodingName(encoding) || !isDelimiter(delimiter) || mapping === null) {
    return { ok: false, values, errors: { encoding: 'Choose one of the encodings.' } }
  }
  const errors = wrongIn(view, { mapping, zone, delimiter, encoding })
  if (Object.keys(errors).length > 0) return { ok: false, values, errors }
  const typed: Typed = {
    encoding,
    delimiter,
    decimal: decimal === ',' ? ',' : '.',
    dates: dates === 'day' || dates === 'month' ? dates : 'none',
    zone,
    mapping: isReadAnew(view, { delimiter, encoding }) ? null : mapping,
  }
  return { ok: true, typed, values }
}

interface Chosen {
  readonly delimiter: string
  readonly encoding: string
}

/** Other columns come out of the same bytes when they are read in another way. */
const isReadAnew = ({ plan }: ImportView, { delimiter, encoding }: Chosen): boolean =>
  plan === null || plan.delimiter !== delimiter || plan.encoding !== encoding

function wrongIn(
  view: ImportView,
  chosen: Chosen & { readonly mapping: Mapping; readonly zone: string },
): Values {
  const { mapping, zone } = chosen
  const known = zone === '' ? null : ZONE.parse(zone)
  const wrongZone = known === null || known.ok ? {} : { zone: errorText(known.error) }
  const problem = isReadAnew(view, chosen) ? null : mappingProblem(view.kind, mapping)
  return { ...wrongZone, ...(problem === null ? {} : { columns: `Columns: ${problem}.` }) }
}
