// The two CRC-16 that meters on our lines use, each named as in the catalogue of parametrised CRC
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

const ARC = reflectedTable(0xa001)
const IBM_3740 = forwardTable(0x1021)

/** CRC-16/ARC: polynomial 0x8005 reflected, init 0, no final xor; check 0xBB3D. DSMR P1 uses it. */
export function crc16Arc(bytes: Uint8Array): number {
  let crc = 0
  for (const byte of bytes) crc = (crc >>> 8) ^ (ARC[(crc ^ byte) & 0xff] ?? 0)
  return crc
}

/** CRC-16/IBM-3740 (long called CCITT-FALSE): polynomial 0x1021, init 0xFFFF, not reflected, no
 * final xor; check 0x29B1. It finds every error of up to 3 bits in up to 4,093 bytes. SEM frames
 * use it. */
export function crc16Ibm3740(bytes: Uint8Array): number {
  let crc = 0xffff
  for (const byte of bytes) {
    crc = ((crc << 8) & 0xffff) ^ (IBM_3740[((crc >>> 8) ^ byte) & 0xff] ?? 0)
  }
  return crc
}

/** As sent on the line: four capital hex digits, the high one first. */
export const crcDigits = (crc: number): string => crc.toString(16).toUpperCase().padStart(4, '0')
