// A rule that does not hold ends its world at once.

/** `rule` names what was broken. */
export class Broken extends Error {
  override readonly name = 'Broken'
}

export function hold(condition: boolean, rule: string, detail: string): asserts condition {
  if (!condition) throw new Broken(`${rule}: ${detail}`)
}
