// How a file is written: its encoding, and what parts its cells. Both are shown and can be
// overruled; neither is guessed in silence.

/** Largest file, bytes, as the pages take it too: a hundred thousand lines of 320. */
export const IMPORT_BYTES_MAX = 32 * 1_048_576
/** Most lines below the header. */
export const IMPORT_LINES_MAX = 250_000
/** Most columns; the flat file has forty. */
export const IMPORT_COLUMNS_MAX = 100
/** Longest cell, characters; the longest field is an address of 500. */
export const CELL_CHARS_MAX = 1_000

export const ENCODINGS = ['utf-8', 'windows-1252', 'utf-16le', 'utf-16be'] as const
export type Encoding = (typeof ENCODINGS)[number]
export const isEncodingName = (text: string): text is Encoding =>
  ENCODINGS.some((name) => name === text)

export const DELIMITERS = [',', ';', '\t'] as const
export type Delimiter = (typeof DELIMITERS)[number]
export const isDelimiter = (text: string): text is Delimiter =>
  DELIMITERS.some((mark) => mark === text)

export const DECIMALS = ['.', ','] as const
export type DecimalMark = (typeof DECIMALS)[number]

/** 2026-05-31 and 31.05.2026 are read always; the order of 05/06/2026 must be said. */
export const DATE_ORDERS = ['none', 'day', 'month'] as const
export type DateOrder = (typeof DATE_ORDERS)[number]

/** How the cells of a file are to be read. */
export interface Dialect {
  readonly encoding: Encoding
  readonly delimiter: Delimiter
  readonly decimal: DecimalMark
  readonly dates: DateOrder
  /** Zone of new service points whose line names none; empty: they must name it. */
  readonly zone: string
}

export type EncodingVerdict =
  | { readonly ok: true }
  | {
      readonly ok: false
      /** What the file looks like instead. */
      readonly looks: Encoding
      readonly line: number
      readonly why: string
    }

const LINE_FEED = 10
/** Bytes that Windows-1252 leaves without a letter: a file that has one is something else. */
const UNUSED_1252 = [0x81, 0x8d, 0x8f, 0x90, 0x9d]

/** Looks through the bytes of a file, part by part, for what is not UTF-8. */
export class EncodingProbe {
  readonly #decoder = new TextDecoder('utf-8', { fatal: true })
  #line = 1
  #verdict: EncodingVerdict = { ok: true }
  #begun = false

  /** The parts in their order. */
  take(part: Uint8Array): void {
    if (!this.#verdict.ok || part.length === 0) return
    if (!this.#begun) this.#verdict = byteOrder(part)
    this.#begun = true
    if (this.#verdict.ok) this.#verdict = this.#look(part)
  }

  /** Of what was seen so far. */
  get verdict(): EncodingVerdict {
    return this.#verdict
  }

  end(): EncodingVerdict {
    if (!this.#verdict.ok) return this.#verdict
    try {
      this.#decoder.decode()
      return this.#verdict
    } catch {
      return { ok: false, looks: 'windows-1252', line: this.#line, why: 'ends within a letter' }
    }
  }

  #look(part: Uint8Array): EncodingVerdict {
    const zero = part.indexOf(0)
    if (zero >= 0) {
      const looks = zero % 2 === 0 ? 'utf-16be' : 'utf-16le'
      return { ok: false, looks, line: this.#line, why: 'holds zero bytes, as UTF-16 does' }
    }
    // Line by line, so that the first line that is wrong can be named.
    for (let from = 0; from < part.length; ) {
      const end = part.indexOf(LINE_FEED, from)
      const to = end < 0 ? part.length : end + 1
      try {
        this.#decoder.decode(part.subarray(from, to), { stream: true })
      } catch {
        return this.#notUtf8(part.subarray(from, to))
      }
      if (end >= 0) this.#line += 1
      from = to
    }
    return { ok: true }
  }

  #notUtf8(bytes: Uint8Array): EncodingVerdict {
    const odd = bytes.some((byte) => UNUSED_1252.includes(byte))
    const name = odd ? 'another encoding of one byte per letter' : 'Windows-1252 or Latin-1'
    return { ok: false, looks: 'windows-1252', line: this.#line, why: `looks like ${name}` }
  }
}

function byteOrder(part: Uint8Array): EncodingVerdict {
  const [first, second] = part
  const why = 'begins with the mark of UTF-16'
  if (first === 0xff && second === 0xfe) return { ok: false, looks: 'utf-16le', line: 1, why }
  if (first === 0xfe && second === 0xff) return { ok: false, looks: 'utf-16be', line: 1, why }
  return { ok: true }
}

/** `sep=;`, as one office program writes it before the header. */
const NAMED = /^sep=([,;\t])(?:\r\n|\r|\n)/i

export interface Head {
  readonly delimiter: Delimiter
  /** Characters before the header. */
  readonly skip: number
}

/** What parts the cells: the mark that stands most often outside quotes in the header line. */
export function headOf(text: string): Head {
  const [named = '', mark = ''] = NAMED.exec(text) ?? []
  if (isDelimiter(mark)) return { delimiter: mark, skip: named.length }
  const counts = new Map<Delimiter, number>(DELIMITERS.map((delimiter) => [delimiter, 0]))
  let quoted = false
  for (const char of text) {
    if (char === '"') quoted = !quoted
    else if (!quoted && (char === '\n' || char === '\r')) break
    else if (!quoted && isDelimiter(char)) counts.set(char, (counts.get(char) ?? 0) + 1)
  }
  const [[best] = [',' as const]] = [...counts].sort(([, a], [, b]) => b - a)
  return { delimiter: best, skip: 0 }
}

const DMY = /^(\d{1,2})([./-])(\d{1,2})\2(\d{4})(.*)$/

/** A date as people write it as `2026-05-31`; what is none is given back as it is. */
export function isoDate(text: string, order: DateOrder): string {
  const [, first = '', mark = '', second = '', year = '', rest = ''] = DMY.exec(text) ?? []
  if (year === '' || (mark !== '.' && order === 'none')) return text
  const [day, month] = mark === '.' || order === 'day' ? [first, second] : [second, first]
  return `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}${rest}`
}

/** A number with the chosen mark as one with a point. A cell with the other mark stays as it is
 * and is refused where it is read: 1,234 is a thousand to some and one and a bit to others. */
export function pointNumber(text: string, decimal: DecimalMark): string {
  if (decimal === '.') return text
  return text.includes('.') ? `"${text}"` : text.replace(',', '.')
}
