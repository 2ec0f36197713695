// The part of bidi-js that we call; it brings no types of its own.

declare module 'bidi-js' {
  interface Bidi {
    /** One embedding level per UTF-16 unit; odd: right to left (UAX 9). */
    getEmbeddingLevels(text: string): { readonly levels: Uint8Array }
    /** What a bracket turns into where it is read from right to left; null: it stays. */
    getMirroredCharacter(letter: string): string | null
  }
  const bidiFactory: () => Bidi
  export = bidiFactory
}
