// Which pages there are, in groups. An entry is shown when its route exists, so a page that a
// version does not have is not linked, and one that it gets needs no second list.

/** Address and text. */
export type NavEntry = readonly [href: string, text: string]

export interface NavGroup {
  readonly text: string
  readonly entries: readonly NavEntry[]
}

/** The first page that exists is the first one after logging in. */
export const OPERATOR_PAGES: readonly NavGroup[] = [
  { text: 'Attention', entries: [['/attention', 'Attention']] },
  {
    text: 'Accounts',
    entries: [
      ['/accounts', 'Accounts'],
      ['/customers', 'Customers'],
      ['/service-points', 'Service points'],
      ['/meters', 'Meters'],
      ['/imports', 'Imports'],
    ],
  },
  {
    text: 'Billing',
    entries: [
      ['/board', 'Board'],
      ['/bills', 'Bills'],
      ['/notices', 'Notices'],
      ['/tariffs', 'Tariffs'],
      ['/readings/manual', 'Manual readings'],
    ],
  },
  {
    text: 'Fleet',
    entries: [
      ['/fleet', 'Devices'],
      ['/clock', 'Clock'],
      ['/readings', 'Readings'],
      ['/refused', 'Refused'],
    ],
  },
  {
    text: 'Settings',
    entries: [
      ['/start', 'Checklist'],
      ['/settings', 'Utility'],
      ['/settings/mail', 'Mail'],
      ['/settings/sms', 'SMS'],
      ['/access', 'Access'],
    ],
  },
]

/** A customer's pages are few: each is a group of its own. */
export const CUSTOMER_PAGES: readonly NavGroup[] = (
  [
    ['/home', 'Home'],
    ['/home/usage', 'Usage'],
    ['/home/bills', 'Bills'],
    ['/home/readings', 'Own readings'],
  ] as const
).map((entry) => ({ text: entry[1], entries: [entry] }))

/** Whether there is such a page. */
export type IsPage = (path: string) => boolean

interface ShownLink {
  readonly href: string
  readonly text: string
  readonly here: boolean
}

export interface Navigation {
  readonly groups: readonly ShownLink[]
  /** The entries of the current group; empty when there are not several. */
  readonly entries: readonly ShownLink[]
}

/** What is shown on the page at `path`. A group leads to its first entry. */
export function navigationAt(all: readonly NavGroup[], path: string, isPage: IsPage): Navigation {
  const groups = all
    .map(({ text, entries }) => ({ text, entries: entries.filter(([href]) => isPage(href)) }))
    .filter(({ entries }) => entries.length > 0)
  const here = hereAmong(
    groups.flatMap(({ entries }) => entries),
    path,
  )
  const current = groups.find(({ entries }) => entries.some(([href]) => href === here))
  const entries = current?.entries ?? []
  return {
    groups: groups.map((group) => ({
      href: group.entries[0]?.[0] ?? '/',
      text: group.text,
      here: group === current,
    })),
    entries:
      entries.length < 2
        ? []
        : entries.map(([href, text]) => ({ href, text, here: href === here })),
  }
}

/** The longest entry that the path stands under. */
function hereAmong(entries: readonly NavEntry[], path: string): string | null {
  const above = entries
    .map(([href]) => href)
    .filter((href) => path === href || path.startsWith(`${href}/`))
  return above.toSorted((a, b) => b.length - a.length)[0] ?? null
}

/** Where an operator starts: the first page there is. */
export const startOf = (isPage: IsPage): string =>
  navigationAt(OPERATOR_PAGES, '', isPage).groups[0]?.href ?? '/login'
