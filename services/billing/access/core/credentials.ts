// What an operator may be called, and which passwords are taken: the same at the set-up page and at
// the command line.

/** Shortest password an operator may choose. Source: NIST SP 800-63B-4, 15 when it is the only
 * factor. */
export const PASSWORD_CHARS_MIN = 15
/** Longest password accepted: hashing a megabyte is work that an outsider could impose on us. */
export const PASSWORD_CHARS_MAX = 128

/** 1 to 64 characters that are seen, no blank at either end. */
const OPERATOR_NAME = /^(?!\s)[^\p{C}]{1,64}(?<!\s)$/u

export const NAME_RULE = 'A name has 1 to 64 characters, without line breaks.'
export const PASSWORD_RULE = `A password has ${PASSWORD_CHARS_MIN} to ${PASSWORD_CHARS_MAX} characters.`

export const isOperatorName = (text: string): boolean => OPERATOR_NAME.test(text)

/** Whether the text may be a password: of every script, but what no keyboard types is a mistake. */
export const isPassword = (text: string): boolean =>
  text.length >= PASSWORD_CHARS_MIN && text.length <= PASSWORD_CHARS_MAX && !/\p{Cc}/u.test(text)
