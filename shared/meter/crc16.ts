// The CRC-16 that meters on our lines use, each named as in the catalogue of parametrised CRC
// algorithms (G. Cook), with its check value: the CRC of the nine digits "123456789".

/** Table of a polynomial with its bits from the low end (reflected). */
const reflectedTable = (polynomial: number): Uint16Array =>
  Uint16Array.from({ length: 256 }, (_, index) => {
    let rest = index
    for (let bit = 0; bit < 8; bit += 1) rest = rest & 1 ? (rest >>> 1) ^ polynomial : rest >>> 1
    return rest
  })

/** Table of a polynomial with its bits from the high end. */
const forwardTable = (polynomial: number): Uint16Array =>
  Uint16Array.from({ length: 256 }, (_, index) => {
    let rest = index << 8
    for (let bit = 0; bit < 8; bit += 1) {
      rest = (rest & 0x8000 ? (rest << 1) ^ polynomial : rest << 1) & 0xffff
    }
    return rest
  })

/** 0x8005 and 0x1021, each with its bits from either end. */
const TABLES = {
  '8005 reflected': reflectedTable(0xa001),
  '1021 reflected': reflectedTable(0x8408),
  '8005': forwardTable(0x8005),
  '1021': forwardTable(0x1021),
} as const

interface Algorithm {
  readonly table: keyof typeof TABLES
  readonly initial: number
  readonly final: number
}

/** Check values: arc BB3D, modbus 4B37, usb B4C8, x-25 906E, kermit 2189, mcrf4xx 6F91, ibm-3740
 * (long called CCITT-FALSE) 29B1, xmodem 31C3, umts FEE8. */
const ALGORITHMS = {
  arc: { table: '8005 reflected', initial: 0, final: 0 },
  modbus: { table: '8005 reflected', initial: 0xffff, final: 0 },
  usb: { table: '8005 reflected', initial: 0xffff, final: 0xffff },
  'x-25': { table: '1021 reflected', initial: 0xffff, final: 0xffff },
  kermit: { table: '1021 reflected', initial: 0, final: 0 },
  mcrf4xx: { table: '1021 reflected', initial: 0xffff, final: 0 },
  'ibm-3740': { table: '1021', initial: 0xffff, final: 0 },
  xmodem: { table: '1021', initial: 0, final: 0 },
  umts: { table: '8005', initial: 0, final: 0 },
} as const satisfies Record<string, Algorithm>

type Catalogued = keyof typeof ALGORITHMS
/** `-swapped`: its two bytes in the other order. */
export type ChecksumName = Catalogued | `${Catalogued}-swapped`

/** A checksum that is computed byte by byte: `end` of the last `step` is its value. */
export interface Checksum {
  readonly name: ChecksumName
  readonly initial: number
  step(crc: number, byte: number): number
  end(crc: number): number
}

const isCatalogued = (name: string): name is Catalogued => Object.hasOwn(ALGORITHMS, name)
const CATALOGUED = Object.keys(ALGORITHMS).filter(isCatalogued)

function checksum(name: Catalogued, swapped: boolean): Checksum {
  const { table: which, initial, final }: Algorithm = ALGORITHMS[name]
  const table = TABLES[which]
  const step = which.endsWith('reflected')
    ? (crc: number, byte: number) => (crc >>> 8) ^ (table[(crc ^ byte) & 0xff] ?? 0)
    : (crc: number, byte: number) =>
        ((crc << 8) & 0xffff) ^ (table[((crc >>> 8) ^ byte) & 0xff] ?? 0)
  if (!swapped) return { name, initial, step, end: (crc) => crc ^ final }
  const end = (crc: number): number => {
    const value = crc ^ final
    return ((value & 0xff) << 8) | (value >>> 8)
  }
  return { name: `${name}-swapped`, initial, step, end }
}

/** Every checksum we know, those of the catalogue first. */
export const CHECKSUMS: readonly Checksum[] = [
  ...CATALOGUED.map((name) => checksum(name, false)),
  ...CATALOGUED.map((name) => checksum(name, true)),
]

export const checksumNamed = (name: ChecksumName): Checksum =>
  CHECKSUMS.find((known) => known.name === name) ?? ARC

/** Polynomial 0x8005 reflected, init 0, no final xor. DSMR P1 uses it. */
export const ARC = checksum('arc', false)
const IBM_3740 = checksum('ibm-3740', false)

export function checksumOf({ initial, step, end }: Checksum, bytes: Uint8Array): number {
  let crc = initial
  for (const byte of bytes) crc = step(crc, byte)
  return end(crc)
}

export const crc16Arc = (bytes: Uint8Array): number => checksumOf(ARC, bytes)

/** CRC-16/IBM-3740: polynomial 0x1021, init 0xFFFF, not reflected, no final xor. It finds every
 * error of up to 3 bits in up to 4,093 bytes. SEM frames use it. */
export const crc16Ibm3740 = (bytes: Uint8Array): number => checksumOf(IBM_3740, bytes)

/** As sent on the line: four capital hex digits, the high one first. */
export const crcDigits = (crc: number): string => crc.toString(16).toUpperCase().padStart(4, '0')
