// Which tariff version prices a period, by the terms of its contract.

import type { Kysely } from 'kysely'
import type { CivilDate, CivilPeriod } from '../../civil/calendar.ts'
import type { Database } from '../../store/schema.ts'
import type { TariffVersion } from '../../tariffs/core/tariff.ts'
import { storedTariff } from '../../tariffs/db/tariffs.ts'
import type { TariffFact } from '../core/facts.ts'

export interface Term {
  readonly from: CivilDate
  readonly tariffId: number | null
  readonly code: string | null
  readonly missing: 'wait' | 'estimate'
}

interface Version {
  readonly id: number
  readonly version: TariffVersion
}

export interface TariffVerdict {
  readonly fact: TariffFact
  readonly versionId: number | null
}

type TariffOf = (terms: readonly Term[], period: CivilPeriod) => TariffVerdict

/** Reads the versions of all tariffs that the terms name, once. */
export async function tariffReader(
  db: Kysely<Database>,
  terms: readonly (Term & { readonly before: CivilDate })[],
): Promise<TariffOf> {
  const ids = new Set(terms.flatMap(({ tariffId }) => tariffId ?? []))
  const before = terms.reduce((latest, term) => (term.before > latest ? term.before : latest), '')
  const versions = ids.size === 0 ? new Map() : await versionsOf(db, [...ids], before)
  return (termsOfPeriod, period) => verdictOf(termsOfPeriod, period, versions)
}

type Versions = ReadonlyMap<number, readonly Version[]>

/** By tariff, the oldest first. */
async function versionsOf(
  db: Kysely<Database>,
  ids: readonly number[],
  before: CivilDate,
): Promise<Versions> {
  const rows = await db
    .selectFrom('tariff_versions')
    .select(['id', 'tariff_id', 'valid_from', 'content', 'hash'])
    .where('tariff_id', 'in', ids)
    .where('valid_from', '<', before)
    .orderBy('valid_from')
    .execute()
  const versions = new Map<number, Version[]>()
  for (const { tariff_id: tariffId, ...row } of rows) {
    const { id, ...version } = storedTariff(row)
    versions.set(tariffId, [...(versions.get(tariffId) ?? []), { id, version }])
  }
  return versions
}

function verdictOf(terms: readonly Term[], period: CivilPeriod, versions: Versions): TariffVerdict {
  const none = (fact: TariffFact): TariffVerdict => ({ fact, versionId: null })
  const [first, ...later] = terms
  if (first === undefined || first.tariffId === null || first.from > period.from) {
    return none({ is: 'none agreed' })
  }
  const code = first.code ?? ''
  const other = later.find(({ tariffId }) => tariffId !== first.tariffId)
  if (other !== undefined) {
    if (other.tariffId === null) return none({ is: 'none agreed' })
    return none({ is: 'changes', code: other.code ?? '', on: other.from })
  }
  const published = versions.get(first.tariffId) ?? []
  const before = published.filter(({ version }) => version.validFrom < period.to)
  const held = before.findLast(({ version }) => version.validFrom <= period.from)
  if (held === undefined) return none({ is: 'not published', code })
  const next = before.find(({ version }) => version.validFrom > period.from)
  if (next !== undefined) return none({ is: 'changes', code, on: next.version.validFrom })
  return { fact: { is: 'in force', version: held.version }, versionId: held.id }
}
