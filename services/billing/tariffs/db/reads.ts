// Published tariffs: the list, the versions of one, and what stands in the way of another.

import { type Kysely, sql } from 'kysely'
import { unixMs } from '../../../../shared/units.ts'
import type { CivilDate } from '../../civil/calendar.ts'
import { BILLED_MAX, type Standing } from '../core/publishing.ts'
import type { PublishedVersion, TariffRow } from '../core/views.ts'
import type { Database } from '../../store/schema.ts'
import { publishTariff, storedTariff } from './tariffs.ts'

/** Tariffs on one page. */
export const TARIFFS_MAX = 50
/** Versions of one tariff that are shown: ten years of monthly ones. */
const VERSIONS_MAX = 120

interface TariffReads {
  /** By code, from the one behind `after` on; one more than a page tells that there are more. */
  tariffs(after: string, today: CivilDate): Promise<readonly TariffRow[]>
  /** Newest first day first; empty when there is no such tariff. */
  versions(code: string): Promise<readonly PublishedVersion[]>
  /** The version published last, whichever its first day; null: none. */
  newest(code: string): Promise<PublishedVersion | null>
  standing(code: string, day: CivilDate): Promise<Standing>
}

export interface TariffStore extends TariffReads {
  publish(entry: Parameters<typeof publishTariff>[1]): ReturnType<typeof publishTariff>
}

export function tariffStore(db: Kysely<Database>): TariffStore {
  return {
    publish: (entry) => publishTariff(db, entry),
    tariffs: (after, today) => tariffRows(db, after, today),
    async versions(code) {
      const { rows } = await sql<VersionRecord>`${VERSION} where t.code = ${code}
        order by v.valid_from desc limit ${VERSIONS_MAX}`.execute(db)
      return rows.map(versionOf)
    },
    async newest(code) {
      const { rows } = await sql<VersionRecord>`${VERSION} where t.code = ${code}
        order by v.id desc limit 1`.execute(db)
      const [row] = rows
      return row === undefined ? null : versionOf(row)
    },
    async standing(code, day) {
      const [versions, billed] = await Promise.all([
        db
          .selectFrom('tariff_versions')
          .innerJoin('tariffs', 'tariffs.id', 'tariff_versions.tariff_id')
          .select(['valid_from as validFrom', 'hash'])
          .where('code', '=', code)
          .execute(),
        billedFrom(db, code, day),
      ])
      return { versions, billed }
    },
  }
}

interface VersionRecord {
  readonly id: number
  readonly valid_from: string
  readonly content: unknown
  readonly hash: string
  readonly published_at: Date
  readonly who: string | null
  readonly why: string | null
}

const VERSION = sql`
  select v.id, v.valid_from, v.content, v.hash, v.published_at, c.who, c.why
  from tariff_versions v join tariffs t on t.id = v.tariff_id
  left join lateral (
    select who, why from changes
    where what = 'tariff' and row_id = t.id and after ->> 'validFrom' = v.valid_from::text
    order by id desc limit 1
  ) c on true`

function versionOf(row: VersionRecord): PublishedVersion {
  const { who, why } = row
  const author = who === null || why === null ? null : { who, why }
  return { ...storedTariff(row), publishedAt: unixMs(row.published_at.getTime()), author }
}

async function tariffRows(
  db: Kysely<Database>,
  after: string,
  today: CivilDate,
): Promise<readonly TariffRow[]> {
  const { rows } = await sql<
    VersionRecord & {
      readonly code: string
      readonly next: string | null
      readonly versions: number
    }
  >`
    with page as (select id, code from tariffs where code > ${after} order by code limit ${TARIFFS_MAX + 1})
    select p.code, shown.*, n.next, n.versions
    from page p
    cross join lateral (
      select min(valid_from) filter (where valid_from > ${today}) as next, count(*)::int as versions
      from tariff_versions where tariff_id = p.id
    ) n
    cross join lateral (
      ${VERSION} where t.id = p.id
      order by v.valid_from > ${today},
        case when v.valid_from > ${today} then v.valid_from end,
        v.valid_from desc
      limit 1
    ) shown
    order by p.code`.execute(db)
  return rows.map(({ code, next, versions, ...version }) => ({
    code,
    shown: versionOf(version),
    nextFrom: next === version.valid_from ? null : next,
    versions,
  }))
}

/** Bills under any version of a tariff for periods that end after a day; counted to a limit, since
 * one is as much of a warning as a million. A period lies within one month, and the day is the
 * first of one. */
async function billedFrom(db: Kysely<Database>, code: string, day: CivilDate): Promise<number> {
  const { rows } = await sql<{ readonly billed: number }>`
    select count(*)::int as billed from (
      select from tariffs t
      join tariff_versions v on v.tariff_id = t.id
      join bills b on b.tariff_version_id = v.id and b.period_from >= ${day}
      where t.code = ${code}
      limit ${BILLED_MAX + 1}
    ) found`.execute(db)
  return rows[0]?.billed ?? 0
}
