// OBIS codes (IEC 62056-61): six numbers A-B:C.D.E*F name a register of a meter.

declare const brand: unique symbol
/** Canonical text form `A-B:C.D.E*F`, each group 0..255. */
export type Obis = string & { readonly [brand]: 'Obis' }

const REDUCED = /^(?:(\d{1,3})-(\d{1,3}):)?(\d{1,3})\.(\d{1,3})(?:\.(\d{1,3}))?(?:[*&](\d{1,3}))?$/

/** Reads `1-0:1.8.0*255`, or a reduced form such as `1-0:1.8.0` or `1.8.0` (defaults: A-B 1-0, E
 * 255, F 255). Null when it is not an OBIS code. Source: IEC 62056-61, reduced identifiers. */
export function parseObis(text: string): Obis | null {
  const match = REDUCED.exec(text)
  if (match === null) return null
  const [, a = '1', b = '0', c = '', d = '', e = '255', f = '255'] = match
  const groups = [a, b, c, d, e, f].map(Number)
  return groups.every((group) => group <= 255) ? obisOf(groups) : null
}

/** From six numbers 0..255, as a frame holds them. */
export function obisOf(groups: readonly number[]): Obis {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = groups
  return `${a}-${b}:${c}.${d}.${e}*${f}` as Obis
}

export function obisBytes(code: Obis): Uint8Array {
  return Uint8Array.from(code.split(/[-:.*]/), Number)
}

/** Total active energy imported: the main register of the SEM and of most meters. */
export const ACTIVE_IMPORT_TOTAL = obisOf([1, 0, 1, 8, 0, 255])
