// What a search finds, as plain values.

export const GROUPS = [
  'accounts',
  'customers',
  'service points',
  'meters',
  'bills',
  'devices',
] as const
export type Group = (typeof GROUPS)[number]

export interface Hit {
  readonly group: Group
  readonly key: string
  readonly title: string
  readonly note: string
  /** Its whole number or name is what was searched for. */
  readonly exact: boolean
}

const PATHS: Readonly<Record<Group, string>> = {
  accounts: '/accounts',
  customers: '/customers',
  'service points': '/service-points',
  meters: '/meters',
  bills: '/bills',
  devices: '/fleet',
}

export const hitHref = ({ group, key }: Hit): string => `${PATHS[group]}/${key}`

/** Where to go at once: the only exact hit; null: let the person choose. */
export function jump(hits: readonly Hit[]): string | null {
  const [first, second] = hits.filter((hit) => hit.exact)
  return first === undefined || second !== undefined ? null : hitHref(first)
}

/** Lists in which more of a group can be looked through. */
export const listOf = (group: Group, q: string): string | null =>
  group === 'bills' || group === 'devices' ? null : `${PATHS[group]}?q=${encodeURIComponent(q)}`
