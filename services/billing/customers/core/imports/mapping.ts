// Which column of a file is what: guessed from its headers, corrected by the operator, and kept
// for the next file with the same headers.

import { KIND_PLANS, type Kind, type Target } from './kinds.ts'
import { COLUMN_WORDS } from './words.ts'

/** For each column of the file, in its order, where it belongs; null: it is left out. */
export type Mapping = readonly (Target | null)[]

/** A header as it is compared: no case, no accents, letters and digits alone. */
export const plainHeader = (text: string): string =>
  text
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '')

/** `a|b|c`: what a remembered mapping is filed under. */
export const headerKey = (headers: readonly string[]): string => headers.map(plainHeader).join('|')

/** ä is ae to some and a to others; so is a target's own name a header that it knows. */
const namesOf = (target: Target): ReadonlySet<string> =>
  new Set([
    plainHeader(COLUMN_WORDS[target].label),
    plainHeader(target),
    ...COLUMN_WORDS[target].also.split(' '),
  ])

/** Guesses the place of each column; each place is taken once. A header that is a place's own
 * label comes first, then the first place in the kind's order that knows the word. */
export function guessMapping(kind: Kind, headers: readonly string[]): Mapping {
  const { columns } = KIND_PLANS[kind]
  const mapping: (Target | null)[] = headers.map(() => null)
  const taken = new Set<Target>()
  const take = (fits: (target: Target, header: string) => boolean): void => {
    for (const [at, header] of headers.map(plainHeader).entries()) {
      if (mapping[at] !== null || header === '') continue
      const found = columns.find((target) => !taken.has(target) && fits(target, header))
      if (found === undefined) continue
      mapping[at] = found
      taken.add(found)
    }
  }
  take((target, header) => plainHeader(COLUMN_WORDS[target].label) === header)
  take((target, header) => namesOf(target).has(header))
  return mapping
}

/** What keeps a mapping from being used, in words; null: nothing. */
export function mappingProblem(kind: Kind, mapping: Mapping): string | null {
  const { columns, needs } = KIND_PLANS[kind]
  const used = mapping.flatMap((target) => target ?? [])
  const twice = used.find((target, at) => used.indexOf(target) < at)
  if (twice !== undefined) return `two columns are mapped to "${COLUMN_WORDS[twice].label}"`
  const stray = used.find((target) => !columns.includes(target))
  if (stray !== undefined) return `"${COLUMN_WORDS[stray].label}" is no column of this kind`
  if (used.includes('contract.to') && used.includes('contract.lastDay')) {
    return 'the end of a contract is mapped twice: until, and its last day'
  }
  const missing = needs.find((target) => !used.includes(target))
  return missing === undefined ? null : `no column is mapped to "${COLUMN_WORDS[missing].label}"`
}

/** Reads a stored or posted mapping; null when it is none of this kind's. */
export function readMapping(kind: Kind, names: readonly string[]): Mapping | null {
  const { columns } = KIND_PLANS[kind]
  const mapping = names.map((name) => columns.find((target) => target === name) ?? null)
  const misread = names.some((name, at) => name !== '' && mapping[at] === null)
  return misread ? null : mapping
}
