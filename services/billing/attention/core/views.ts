// What the page of attention shows, as plain values, and how much harm a code does.

import { FAULTS, isFaultCode } from '../../../../shared/faults.ts'
import type { UnixMs } from '../../../../shared/units.ts'

/** Something that is wrong or waits, as it is gathered. */
export interface Finding {
  /** The same thing has the same key at every look. */
  readonly key: string
  /** A code of shared/faults.ts, or text from another version. */
  readonly code: string
  readonly subject: string
  readonly href: string
  readonly count: number
  readonly since: UnixMs
  readonly lastAt: UnixMs
}

/** ... and what operators said of it. */
export interface AttentionRow extends Finding {
  readonly id: number
  /** The order by harm, then age. */
  readonly rank: number
  readonly harm: number
  readonly seenBy: string | null
  readonly mutedUntil: UnixMs | null
  readonly mutedBy: string | null
  readonly closedAt: UnixMs | null
  readonly closedBy: string | null
  readonly reason: string | null
}

export interface AttentionTotals {
  readonly open: number
  /** Of these: errors and alarms. */
  readonly grave: number
  /** When everything was last looked at; null: not yet. */
  readonly lookedAt: UnixMs | null
}

/** The orders of the list. */
export const ATTENTION_SORTS = {
  rank: 'bigint',
  since: 'timestamptz',
  last: 'timestamptz',
  count: 'bigint',
} as const

/** What is listed: what is open, what is muted for now, what was closed. */
export const ATTENTION_STATES = ['open', 'muted', 'closed'] as const
export type AttentionState = (typeof ATTENTION_STATES)[number]
export const isAttentionState = (text: string): text is AttentionState =>
  ATTENTION_STATES.some((state) => state === text)

const HARM = { info: 0, warn: 1, error: 2, alarm: 3 } as const
/** A code of another version counts as an error: it is not known to be less. */
const HARM_UNKNOWN = 2

/** 0 info to 3 alarm. */
export const harmOf = (code: string): number =>
  isFaultCode(code) ? HARM[FAULTS[code].severity] : HARM_UNKNOWN

/** What an operator says of entries. */
export type Mark =
  | { readonly kind: 'seen' }
  | { readonly kind: 'mute'; readonly until: UnixMs; readonly reason: string }
  | { readonly kind: 'close'; readonly reason: string }
  | { readonly kind: 'open' }
