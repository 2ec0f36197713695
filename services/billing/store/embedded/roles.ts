// The two roles of an embedded cluster. `ticklock` owns it and its tables: it starts, migrates and
// indexes. `ticklock_work` is what Ticklock works with; it may do what grants.ts says. Made at each
// start, so that a data folder of an earlier version, which had the first role only, gets the
// second.

import { type Client, escapeIdentifier, escapeLiteral } from 'pg'

export const OWNER = 'ticklock'
export const WORKER = 'ticklock_work'

/** No right of a cluster, whatever somebody gave it by hand. */
const NOTHING = 'nosuperuser nocreatedb nocreaterole noinherit noreplication nobypassrls'

/** Makes the working role with this password, or takes from it what it should not have.
 * `owner`: a connection of the owner, to any database of the cluster. */
export async function ensureWorker(
  owner: Client,
  { database, password }: { readonly database: string; readonly password: string },
): Promise<void> {
  const found = await owner.query('select 1 from pg_roles where rolname = $1', [WORKER])
  const verb = found.rowCount === 0 ? 'create' : 'alter'
  await owner.query(`${verb} role ${WORKER} login ${NOTHING} password ${escapeLiteral(password)}`)
  const { rows } = await owner.query<{ name: string }>(
    `select quote_ident(g.rolname) as name from pg_auth_members m
     join pg_roles g on g.oid = m.roleid join pg_roles r on r.oid = m.member
     where r.rolname = $1`,
    [WORKER],
  )
  for (const { name } of rows) await owner.query(`revoke ${name} from ${WORKER}`)
  for (const each of [database, 'postgres', 'template1']) {
    await owner.query(`revoke all on database ${escapeIdentifier(each)} from public, ${WORKER}`)
  }
  await owner.query(`grant connect on database ${escapeIdentifier(database)} to ${WORKER}`)
}
