// What may stand in a text that ends up in the database or on a page.

/** Control characters other than tab, line feed and carriage return: PostgreSQL refuses NUL, a
 * terminal obeys escape, and no keyboard types any of them into a form. */
const CONTROLS = /[^\P{Cc}\t\n\r]/u

/** Whether the text has no control characters and no halves of letters (lone surrogates): only such
 * text survives the way through UTF-8 and PostgreSQL. */
export const isPlainText = (text: string): boolean => text.isWellFormed() && !CONTROLS.test(text)
