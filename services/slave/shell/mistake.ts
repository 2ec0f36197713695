// A mistake in the configuration and where in the file it stands.

import type { z } from 'zod'

/** Keys and positions from the top of the file: `['line', 0, 'every']`. */
export type Path = readonly PropertyKey[]

export interface Mistake {
  readonly ok: false
  readonly path: Path
  readonly detail: string
}

export const mistake = (path: Path, detail: string): Mistake => ({ ok: false, path, detail })

/** The first mistake that zod found. zod names unknown keys beside the path of their table. */
export function firstMistake({ issues: [issue] }: z.ZodError): Mistake {
  const path = issue?.path ?? []
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : []
  return mistake([...path, ...unknown], issue?.message ?? 'not valid')
}
