// Strict reading of a document from outside (a tariff, a stored bill). As with the Reader of
// bytes.ts nothing throws: the first mistake is noted with its path, every later read gives a
// harmless default, and the caller checks once, at the end.

/** The first thing wrong with a document: `charges[0].slabs[1].rate: not a decimal number`. */
export interface DocumentFault {
  readonly path: string
  readonly why: string
}

/** Longest text field, characters. A label or an address needs far less; more is not meant for a
 * bill. */
export const TEXT_LENGTH_MAX = 1_000
/** Most entries of a list. No published tariff has a hundred slabs. */
const LIST_LENGTH_MAX = 100

interface Log {
  fault: DocumentFault | null
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export class Document {
  readonly #value: unknown
  readonly #path: string
  readonly #log: Log

  constructor(value: unknown, path = '', log: Log = { fault: null }) {
    this.#value = value
    this.#path = path
    this.#log = log
  }

  /** Null while everything read so far is valid. */
  get fault(): DocumentFault | null {
    return this.#log.fault
  }

  refuse(why: string): void {
    this.#log.fault ??= { path: this.#path === '' ? 'document' : this.#path, why }
  }

  get absent(): boolean {
    return this.#value === undefined || this.#value === null
  }

  field(name: string): Document {
    const held = isRecord(this.#value) && Object.hasOwn(this.#value, name)
    const value = held && isRecord(this.#value) ? this.#value[name] : undefined
    return new Document(value, this.#path === '' ? name : `${this.#path}.${name}`, this.#log)
  }

  /** Refuses what is not an object, and any field that is not named here: a misspelt rule must not
   * be ignored. */
  only(...names: readonly string[]): this {
    if (!isRecord(this.#value)) this.refuse('not an object')
    else {
      const stray = Object.keys(this.#value).find((key) => !names.includes(key))
      if (stray !== undefined) this.field(stray).refuse('unknown field')
    }
    return this
  }

  text(): string {
    if (typeof this.#value !== 'string') this.refuse(this.absent ? 'missing' : 'not a text')
    else if (this.#value.length > TEXT_LENGTH_MAX) this.refuse('too long')
    else return this.#value
    return ''
  }

  matching(pattern: RegExp, what: string): string {
    const text = this.text()
    if (!pattern.test(text)) this.refuse(`not ${what}`)
    return text
  }

  choice<const T extends string>(choices: readonly [T, ...T[]]): T {
    const text = this.text()
    const found = choices.find((choice) => choice === text)
    if (found === undefined) this.refuse(`not one of ${choices.join(', ')}`)
    return found ?? choices[0]
  }

  integer(from: number, to: number): number {
    const value = this.#value
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= from && value <= to)
      return value
    this.refuse(`not a whole number from ${from} to ${to}`)
    return from
  }

  list(): readonly Document[] {
    const value: unknown = this.#value
    if (!Array.isArray(value)) this.refuse(this.absent ? 'missing' : 'not a list')
    else if (value.length > LIST_LENGTH_MAX) this.refuse('too many entries')
    else return value.map((entry, i) => new Document(entry, `${this.#path}[${i}]`, this.#log))
    return []
  }
}
