// How a statement refuses lines: it adds rows of (line, target, reason, remedy) to s_refusal.

import type { PoolClient } from 'pg'
import type { Target } from '../../core/imports/kinds.ts'

/** `rows`: a query of (line, target, reason, remedy). Returns how many it refused. */
export async function refuse(
  client: PoolClient,
  rows: string,
  params: readonly unknown[] = [],
): Promise<number> {
  const text = `insert into s_refusal (line, target, reason, remedy) ${rows}`
  const { rowCount } = await client.query(text, [...params])
  return rowCount ?? 0
}

/** A column of s_line, and where it stands in the file. */
export type Said = readonly [column: string, target: Target]

/** Lines that say different things about one and the same: none of them is right. `thing`: in a
 * word; `key`: columns of s_line that name the thing. Minimum and maximum find it in one pass,
 * without a sort. */
export function contradictions(
  thing: string,
  key: readonly string[],
  said: readonly Said[],
): string {
  const keys = key.join(', ')
  const differs = ([column]: Said): string =>
    `min(${column}::text collate "C") <> max(${column}::text collate "C")`
  const named = said.map((one) => `when ${differs(one)} then '${one[1]}'`).join(' ')
  const joined = key.map((column) => `l.${column} is not distinct from g.${column}`).join(' and ')
  return `
    with g as materialized (
      select ${keys}, min(line) as first, case ${named} end as target
      from s_line where ${key[0]} is not null group by ${keys}
      having ${said.map(differs).join(' or ')})
    select l.line, g.target, 'differs from another line about the same ${thing}',
      'make all lines agree from line ' || g.first || ' on'
    from g join s_line l on l.${key[0]} = g.${key[0]} and ${joined}`
}
