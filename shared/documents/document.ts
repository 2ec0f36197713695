// Strict reading of a document from outside (a tariff, a stored bill). As with the Reader of
// bytes.ts nothing throws: each mistake is noted with its path, every later read gives a harmless
// default, and the caller checks once, at the end.

/** What is wrong with a document: `charges[0].slabs[1].rate: not a decimal number`. */
export interface DocumentFault {
  readonly path: string
  readonly why: string
}

/** The same with its way through the document, so that its place in a text can be found. */
export interface PlacedFault extends DocumentFault {
  readonly steps: readonly (string | number)[]
  /** The name of the field is what is wrong, not its value. */
  readonly stray: boolean
}

/** Longest text field, characters. A label or an address needs far less; more is not meant for a
 * bill. */
export const TEXT_LENGTH_MAX = 1_000
/** Most entries of a list. No published tariff has a hundred slabs. */
const LIST_LENGTH_MAX = 100

/** Most faults that are named; whoever reads fifty corrects them first. */
const FAULTS_MAX = 50

interface Log {
  readonly faults: PlacedFault[]
  /** One fault for each place: what follows from the first is no news. */
  readonly paths: Set<string>
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export class Document {
  readonly #value: unknown
  readonly #steps: readonly (string | number)[]
  readonly #log: Log

  constructor(
    value: unknown,
    steps: readonly (string | number)[] = [],
    log: Log = { faults: [], paths: new Set() },
  ) {
    this.#value = value
    this.#steps = steps
    this.#log = log
  }

  /** The first mistake; null while everything read so far is valid. */
  get fault(): DocumentFault | null {
    const [first] = this.#log.faults
    return first === undefined ? null : { path: first.path, why: first.why }
  }

  /** Every mistake found so far, the first fifty. */
  get faults(): readonly PlacedFault[] {
    return this.#log.faults
  }

  refuse(why: string, stray = false): void {
    const path = pathText(this.#steps)
    const { faults, paths } = this.#log
    if (faults.length >= FAULTS_MAX || paths.has(path)) return
    paths.add(path)
    faults.push({ path, why, steps: this.#steps, stray })
  }

  get isObject(): boolean {
    return isRecord(this.#value)
  }

  get isNumber(): boolean {
    return typeof this.#value === 'number'
  }

  get absent(): boolean {
    return this.#value === undefined || this.#value === null
  }

  field(name: string): Document {
    const held = isRecord(this.#value) && Object.hasOwn(this.#value, name)
    const value = held && isRecord(this.#value) ? this.#value[name] : undefined
    return new Document(value, [...this.#steps, name], this.#log)
  }

  /** Refuses what is not an object, and any field that is not named here: a misspelt rule must not
   * be ignored. */
  only(...names: readonly string[]): this {
    if (!isRecord(this.#value)) this.refuse('not an object')
    else {
      for (const key of Object.keys(this.#value)) {
        if (!names.includes(key)) this.field(key).refuse('unknown field', true)
      }
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
    return this.chosen(choices) ?? choices[0]
  }

  /** The same, null when it is none of them: what else stands here depends on it. */
  chosen<const T extends string>(choices: readonly T[]): T | null {
    const text = this.text()
    const found = choices.find((choice) => choice === text)
    if (found === undefined) this.refuse(`not one of ${choices.join(', ')}`)
    return found ?? null
  }

  integer(from: number, to: number): number {
    const value = this.#value
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= from && value <= to)
      return value
    this.refuse(this.absent ? 'missing' : `not a whole number from ${from} to ${to}`)
    return from
  }

  list(): readonly Document[] {
    const value: unknown = this.#value
    if (!Array.isArray(value)) this.refuse(this.absent ? 'missing' : 'not a list')
    else if (value.length > LIST_LENGTH_MAX) this.refuse('too many entries')
    else return value.map((entry, i) => new Document(entry, [...this.#steps, i], this.#log))
    return []
  }
}

/** Longest name of a field that a fault repeats, characters. */
const NAME_SHOWN_MAX = 40

/** `charges[0].slabs[1].rate`; `document` for the whole. */
function pathText(steps: readonly (string | number)[]): string {
  if (steps.length === 0) return 'document'
  return steps
    .map((step, i) => {
      if (typeof step === 'number') return `[${step}]`
      const name = step.length > NAME_SHOWN_MAX ? `${step.slice(0, NAME_SHOWN_MAX)}…` : step
      return i === 0 ? name : `.${name}`
    })
    .join('')
}
