// What somebody typed to name a customer, a place or a meter: the row, or what to type instead.

import type { Found } from '../db/finding.ts'

/** The id, or the sentence beside the field. */
export type Resolved =
  | { readonly ok: true; readonly id: number }
  | { readonly ok: false; readonly text: string }

export function resolved(found: Found, what: string, remedy: string): Resolved {
  if (found.is === 'one') return { ok: true, id: found.id }
  if (found.is === 'none') return { ok: false, text: `No ${what} is like that: ${remedy}.` }
  return { ok: false, text: `Several are like that: ${found.near.join('; ')}. Type one number.` }
}
