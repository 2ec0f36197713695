// Wraps secret bytes so that no log, error text or JSON prints them by accident. Code that needs
// the bytes says so: reveal().

const SHOWN = '[secret]'

export class Secret {
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  reveal(): Uint8Array {
    return this.#bytes
  }

  toString(): string {
    return SHOWN
  }

  toJSON(): string {
    return SHOWN
  }

  /** What Node's console.log and util.inspect show. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return SHOWN
  }
}
