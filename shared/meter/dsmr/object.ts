// A line of a telegram, `code(value)(value)...`, in the spellings that meters have for it.

import { parseObis, type Obis } from '../obis.ts'

export interface TelegramObject {
  /** As sent, without blanks. */
  readonly sent: string
  /** Null: not an OBIS code. */
  readonly code: Obis | null
  /** What stands between each pair of parentheses, as sent. */
  readonly values: readonly string[]
}

/** Group F behind a point, as some meters write it. */
const DOTTED_F = /^(\d{1,3}-\d{1,3}:\d{1,3}\.\d{1,3}\.\d{1,3})\.(\d{1,3})$/
const FIRST_COLON = /^([^:]*:)(.*)$/

/** A code in its usual spelling. Some printed examples of DSMR 4 have colons for points. */
function usual(sent: string): string {
  const [, head = '', rest = ''] = FIRST_COLON.exec(sent) ?? []
  const pointed = head === '' ? sent : head + rest.replaceAll(':', '.')
  return pointed.replace(DOTTED_F, '$1*$2')
}

/** Null when the line is not of this form. */
export function readObject(line: string): TelegramObject | null {
  const text = line.trim()
  const open = text.indexOf('(')
  if (open < 1 || !text.endsWith(')')) return null
  const values = text.slice(open + 1, -1).split(/\)\s*\(/)
  if (values.some((value) => /[()]/.test(value))) return null
  const sent = text.slice(0, open).replace(/\s+/g, '')
  return { sent, code: parseObis(usual(sent)), values }
}

/** The lines of a telegram that say something; a value that DSMR 2.2 puts on a line of its own
 * joins its object. */
export function linesOf(text: string): readonly string[] {
  const lines: string[] = []
  for (const part of text.split(/[\r\n]+/)) {
    const line = part.trim()
    if (line === '') continue
    if (line.startsWith('(') && lines.length > 0) lines.push(`${lines.pop() ?? ''}${line}`)
    else lines.push(line)
  }
  return lines
}
