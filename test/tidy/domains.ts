// The rooms of the billing server: domain outside, layer inside (docs/architecture.md). A domain is
// what somebody of the field would call by one name; inside it a file stands in a layer. Which
// domain may import which, and which layer which, is the two tables below.

/** What each layer may import, of its own domain and of those below it. Pages print what they are
 * given: they ask neither the database nor a route. Shells may print, as a mail is; routes put all
 * the rest together. `plain` is the part of the kit that is no page: what a request is, formats. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  core: ['core'],
  plain: ['core', 'plain'],
  db: ['core', 'plain', 'db'],
  pages: ['core', 'plain', 'pages'],
  shell: ['core', 'plain', 'db', 'pages', 'shell'],
  http: ['core', 'plain', 'db', 'pages', 'shell', 'http'],
}

/** Domains of one layer only; of the kit, what is not written in TSX. */
const ONE_LAYER: Readonly<Record<string, string>> = { civil: 'core', store: 'db', kit: 'plain' }

/** What every domain may use. */
const GROUND = ['civil', 'store', 'kit']

const BELOW_BILLS = 'access utility customers tariffs readings clocks fleet notices'.split(' ')

/** Which other domains each domain may import, the ground aside. Types count. */
export const DOMAINS: Readonly<Record<string, readonly string[]>> = {
  civil: [],
  store: [],
  kit: [],
  access: [],
  utility: ['access'],
  customers: ['access', 'readings', 'tariffs', 'utility'],
  tariffs: ['access', 'utility'],
  readings: ['access'],
  clocks: ['access', 'customers', 'tariffs', 'readings'],
  fleet: ['access', 'customers', 'tariffs', 'readings', 'clocks'],
  notices: ['access', 'utility', 'customers'],
  bills: BELOW_BILLS,
  attention: [...BELOW_BILLS, 'bills'],
  site: [...BELOW_BILLS, 'bills', 'attention'],
}
/** Of the ground, civil time and money stand lowest. */
const GROUND_MAY: Readonly<Record<string, readonly string[]>> = {
  civil: [],
  store: ['civil'],
  kit: ['civil'],
}

export interface Room {
  readonly domain: string
  readonly layer: string
}

/** The room of a file of the billing server; null for main.ts, and for what stands in none. */
export function roomOf(path: string): Room | null {
  const [, domain = '', rest = ''] = /^services\/billing\/([^/]+)\/(.+)$/.exec(path) ?? []
  if (DOMAINS[domain] === undefined) return null
  const only = ONE_LAYER[domain]
  if (only !== undefined) {
    const isPage = domain === 'kit' && /\.tsx$|^islands\//.test(rest)
    return { domain, layer: isPage ? 'pages' : only }
  }
  // In a folder of its layer, or, where one file is enough, named after it: bills/core.ts.
  const layer = /^([a-z]+)(?:\/|\.tsx?$)/.exec(rest)?.[1] ?? ''
  return LAYERS[layer] === undefined ? null : { domain, layer }
}

/** Why one room may not import the other, or '' when it may. */
export function roomRefusal(here: Room, there: Room): string {
  const name = ({ domain, layer }: Room): string => `${domain}/${layer}`
  if (!(LAYERS[here.layer] ?? []).includes(there.layer)) {
    return `${name(here)} imports ${name(there)}: the layers forbid it`
  }
  if (here.domain === there.domain) return ''
  const may = GROUND_MAY[here.domain] ?? [...GROUND, ...(DOMAINS[here.domain] ?? [])]
  return may.includes(there.domain) ? '' : `${here.domain} imports ${there.domain}`
}

/** Tables by the domain that declares them, and that alone may write them. */
export function tableOwners(
  files: readonly { readonly path: string; readonly text: string }[],
): ReadonlyMap<string, string> {
  const owners = new Map<string, string>()
  for (const { path, text } of files) {
    const room = roomOf(path)
    if (room === null || !/\/tables\.ts$|\/store\/schema\.ts$/.test(path)) continue
    const declared = /interface Database \{\n([\s\S]*?)\n {0,2}\}/.exec(text)?.[1] ?? ''
    for (const [, table] of declared.matchAll(/^ {2,4}([a-z_]+): \{/gm)) {
      if (table !== undefined) owners.set(table, room.domain)
    }
  }
  return owners
}

const WRITES =
  /\b(?:insertInto|updateTable|deleteFrom)\(\s*'([a-z_]+)'|\b(?:insert into|delete from|update)\s+([a-z_]+)(?=\s+(?:as\s+\w+\s*)?(?:\(|set\b|\w+\s+set\b|\w+\s+using\b|using\b|where\b|select\b|values\b))/g

/** Tables that a file of the billing server writes and that belong to another domain. */
export function foreignWrites(
  path: string,
  uncommented: string,
  owners: ReadonlyMap<string, string>,
): readonly string[] {
  const room = roomOf(path)
  if (room === null) return []
  return [...uncommented.matchAll(WRITES)].flatMap((match) => {
    const table = match[1] ?? match[2] ?? ''
    const owner = owners.get(table)
    if (owner === undefined || owner === room.domain) return []
    return [`${path} writes ${table} of ${owner}`]
  })
}

/** Longest README of a domain: it is read standing. */
const README_LINES_MAX = 25
/** What it must say. */
const README_SAYS = ['Owns', 'Does not own', 'Tables', 'Invariant', 'Start reading']

/** What is wrong with the README of a domain. */
export function readmeFaults(path: string, text: string | null): readonly string[] {
  if (text === null) return [`${path} is missing`]
  const lines = text.trimEnd().split('\n').length
  return [
    ...(lines > README_LINES_MAX ? [`${path} has ${lines} lines`] : []),
    ...README_SAYS.filter((word) => !new RegExp(`\\b${word}s?\\b`, 'i').test(text)).map(
      (word) => `${path} does not say: ${word}`,
    ),
  ]
}
