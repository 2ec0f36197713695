// What a device may be called.

/** 1 to 64 characters, none of them control characters or one that was lost (U+FFFD), no blank at
 * either end. */
const NAME = /^(?!\s)[^\p{Cc}\uFFFD]{1,64}(?<!\s)$/u
export const NAME_RULE = 'a name has 1 to 64 printable characters, none lost (U+FFFD)'

/** A device's name in its usual form: an umlaut is one character, however it was typed. Null: it is
 * no name. */
export function deviceName(text: string): string | null {
  const name = text.normalize('NFC')
  return NAME.test(name) ? name : null
}
