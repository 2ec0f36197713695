/** Stops at one of OUR bugs; active in production too. Never for outside input: that gets a
 * verdict. `why` states what always holds, so that the message reads as the broken promise. */
export function assert(condition: boolean, why: string): asserts condition {
  if (!condition) throw new Error(`broken promise: ${why}`)
}

/** Ends an exhaustive switch: the compiler proves that no case is left. */
export function unreachable(value: never): never {
  throw new Error(`broken promise: no such case: ${JSON.stringify(value)}`)
}
