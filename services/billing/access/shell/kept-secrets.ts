// A secret that an operator has just typed or been given, kept in memory between two pages: a
// password between its test and its saving, a token while its slave is set up. It is never shown in
// a form, never stored, and overwritten when it is fetched for good, replaced, or a quarter of an
// hour old.

/** How long one is kept, milliseconds: as long as setting up a slave takes. */
const KEPT_MS = 15 * 60_000
/** Kept at once; the oldest gives way. More operators do not set things up at one time. */
const KEPT_MAX = 32

export interface KeptSecrets {
  /** Takes the bytes over. `about`: what it is for, with all that it is bound to. */
  keep(operator: number, about: string, secret: Uint8Array): void
  /** A copy, for the caller to overwrite; null: none is kept. */
  copy(operator: number, about: string): Uint8Array | null
  forget(operator: number, about: string): void
}

export function openKeptSecrets(lifeMs = KEPT_MS): KeptSecrets {
  const kept = new Map<string, { readonly secret: Uint8Array; readonly timer: NodeJS.Timeout }>()
  const drop = (key: string): void => {
    const found = kept.get(key)
    if (found === undefined) return
    clearTimeout(found.timer)
    found.secret.fill(0)
    kept.delete(key)
  }
  const keyOf = (operator: number, about: string): string => `${operator} ${about}`
  return {
    keep(operator, about, secret) {
      const key = keyOf(operator, about)
      drop(key)
      const [oldest] = kept.keys()
      if (kept.size >= KEPT_MAX && oldest !== undefined) drop(oldest)
      const timer = setTimeout(() => drop(key), lifeMs)
      timer.unref()
      kept.set(key, { secret, timer })
    },
    copy(operator, about) {
      const found = kept.get(keyOf(operator, about))
      return found === undefined ? null : Uint8Array.from(found.secret)
    },
    forget: (operator, about) => drop(keyOf(operator, about)),
  }
}
