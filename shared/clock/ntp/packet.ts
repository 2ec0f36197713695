// One datagram of NTPv4: 48 bytes of header, then extension fields. RFC 5905 section 7.3 and 7.5;
// lengths of extension fields: RFC 7822; what NTS puts into them: RFC 8915. Nothing here judges a
// packet's content; it only refuses what is not a packet.

import { assert } from '../../assert.ts'
import { Reader, Writer } from '../../bytes.ts'
import { type SpanUs, spanUs, type UnixUs, unixUs } from '../../units.ts'

export const HEADER_BYTES = 48
/** Port of NTP (RFC 5905 section 7.2), UDP. */
export const NTP_PORT = 123

/** Longest datagram read, bytes: what crosses an Ethernet unfragmented. NTS with eight cookies of
 * 100 bytes stays below 1,200. */
export const PACKET_BYTES_MAX = 1_472
/** Shortest extension field with its four bytes of type and length (RFC 7822, 7.5.1). */
const FIELD_BYTES_MIN = 16
/** The same for the last field of a packet: a shorter one would be read as a MAC. */
const LAST_FIELD_BYTES_MIN = 28
/** Lengths of what may follow the last field: nothing, a crypto-NAK, an MD5 or a SHA-1 MAC with its
 * key's number. Ticklock has no such keys and answers as if the MAC were not there. */
const CODE_BYTES = [0, 4, 20, 24]
const CODE_BYTES_MAX = 24

/** 64 bits: seconds since 1900 modulo 2^32, and a fraction. 0 means "not known". */
export type NtpStamp = bigint

/** Warning of a leap second at the end of the day; 3: the clock is not synchronised. */
export type Leap = 0 | 1 | 2 | 3

/** Version 1 has no mode: its bits are reserved, and the ports tell (RFC 1059, RFC 1305 app. A). */
export const MODE_NONE = 0
export const MODE_ACTIVE = 1
export const MODE_PASSIVE = 2
export const MODE_CLIENT = 3
export const MODE_SERVER = 4
/** Versions of NTP. */
export type Version = 1 | 2 | 3 | 4
const NEWEST: Version = 4
/** From this stratum on a clock is not synchronised. */
export const STRATUM_UNSYNCHRONISED = 16

export interface NtpHeader {
  readonly leap: Leap
  readonly version: number
  readonly mode: number
  readonly stratum: number
  /** Poll interval, log2 seconds. */
  readonly poll: number
  /** Of the sender's clock, log2 seconds. */
  readonly precision: number
  /** Round trip to the primary source; up to 18 h. */
  readonly rootDelay: SpanUs
  readonly rootDispersion: SpanUs
  /** Four letters at stratum 0 and 1, an address at higher ones. */
  readonly refid: number
  readonly reference: NtpStamp
  readonly origin: NtpStamp
  readonly receive: NtpStamp
  readonly transmit: NtpStamp
}

export interface ExtensionField {
  readonly type: number
  /** Without type and length, padding included: a multiple of four. */
  readonly body: Uint8Array
}

/** A field as found: `at` is the position of its type in the packet. */
export interface FoundField extends ExtensionField {
  readonly at: number
}

export interface NtpPacket extends NtpHeader {
  readonly fields: readonly FoundField[]
}

export type PacketVerdict =
  | { readonly ok: true; readonly packet: NtpPacket }
  | { readonly ok: false; readonly fault: 'WIR-01' | 'WIR-02' | 'WIR-03' }

/** WIR-01 a version before `oldest` or after 4, WIR-02 too long, WIR-03 truncated or its fields do
 * not add up. Of versions before 4 only the header is read: they have no fields. */
export function readPacket(bytes: Uint8Array, oldest: Version = 3): PacketVerdict {
  if (bytes.length > PACKET_BYTES_MAX) return { ok: false, fault: 'WIR-02' }
  if (bytes.length < HEADER_BYTES) return { ok: false, fault: 'WIR-03' }
  const header = readHeader(new Reader(bytes))
  const { version } = header
  if (version < oldest || version > NEWEST) return { ok: false, fault: 'WIR-01' }
  const fields = version < NEWEST ? [] : readFields(bytes, HEADER_BYTES)
  if (fields === null) return { ok: false, fault: 'WIR-03' }
  return { ok: true, packet: { ...header, fields } }
}

function readHeader(reader: Reader): NtpHeader {
  const first = reader.u8()
  return {
    leap: leapOf(first >> 6),
    version: (first >> 3) & 7,
    mode: first & 7,
    stratum: reader.u8(),
    poll: reader.i8(),
    precision: reader.i8(),
    rootDelay: fromShort(reader.u32()),
    rootDispersion: fromShort(reader.u32()),
    refid: reader.u32(),
    reference: readStamp(reader),
    origin: readStamp(reader),
    receive: readStamp(reader),
    transmit: readStamp(reader),
  }
}

const leapOf = (bits: number): Leap => (bits === 1 || bits === 2 || bits === 3 ? bits : 0)

const readStamp = (reader: Reader): NtpStamp => (BigInt(reader.u32()) << 32n) | BigInt(reader.u32())

/** The fields from `begin` on, up to an old-style MAC; null when they do not add up. */
function readFields(bytes: Uint8Array, begin: number): FoundField[] | null {
  const reader = new Reader(bytes.subarray(begin))
  const fields: FoundField[] = []
  while (reader.left > CODE_BYTES_MAX) {
    const field = readField(reader, bytes.length - reader.left)
    if (field === null) return null
    fields.push(field)
  }
  return CODE_BYTES.includes(reader.left) ? fields : null
}

/** Fields that fill all of `bytes`, as NTS encrypts them (RFC 8915, 5.6); null when they do not. */
export function readAllFields(bytes: Uint8Array): readonly FoundField[] | null {
  const reader = new Reader(bytes)
  const fields: FoundField[] = []
  while (reader.left > 0) {
    const field = readField(reader, bytes.length - reader.left)
    if (field === null) return null
    fields.push(field)
  }
  return fields
}

function readField(reader: Reader, at: number): FoundField | null {
  const type = reader.u16()
  const length = reader.u16()
  if (length < FIELD_BYTES_MIN || length % 4 !== 0) return null
  const body = reader.bytes(length - 4)
  return reader.ok ? { type, body, at } : null
}

/** The header and the fields after it. */
export function writePacket(header: NtpHeader, fields: readonly ExtensionField[] = []): Uint8Array {
  const writer = new Writer()
  writer.u8(header.leap * 64 + header.version * 8 + header.mode)
  writer.u8(header.stratum).i8(header.poll).i8(header.precision)
  writer.u32(toShort(header.rootDelay)).u32(toShort(header.rootDispersion)).u32(header.refid)
  writeStamp(writer, header.reference)
  writeStamp(writer, header.origin)
  writeStamp(writer, header.receive)
  writeStamp(writer, header.transmit)
  writer.bytes(writeFields(fields, LAST_FIELD_BYTES_MIN))
  return writer.done()
}

function writeStamp(writer: Writer, stamp: NtpStamp): void {
  writer.u32(Number(stamp >> 32n)).u32(Number(stamp & 0xffff_ffffn))
}

/** Fields one after the other, each padded with zeros to four bytes and to its least length. */
export function writeFields(
  fields: readonly ExtensionField[],
  lastMin: number = FIELD_BYTES_MIN,
): Uint8Array {
  const writer = new Writer()
  for (const [index, { type, body }] of fields.entries()) {
    const min = index === fields.length - 1 ? lastMin : FIELD_BYTES_MIN
    const length = Math.max(min, 4 + Math.ceil(body.length / 4) * 4)
    writer.u16(type).u16(length).bytes(body)
    writer.bytes(new Uint8Array(length - 4 - body.length))
  }
  return writer.done()
}

const SECOND_US = 1_000_000
const SECOND_US_BIG = 1_000_000n
const UNIX_BEGINS_S = 2_208_988_800n
/** 2020-01-01: stamps are read as instants of the 136 years from here on, so that the 32 bits may
 * wrap in February 2036 whatever our own clock shows. */
const FIRST_READ_S = 1_577_836_800n
const ERA_S = 1n << 32n

/** An instant as NTP writes it, truncated to 2^-32 s; never 0, which means "not known". */
export function toStamp(at: UnixUs): NtpStamp {
  assert(
    Number.isSafeInteger(at) && at >= 0,
    'an instant to be written is a whole number of microseconds since 1970',
  )
  const us = BigInt(at)
  const seconds = (us / SECOND_US_BIG + UNIX_BEGINS_S) % ERA_S
  const fraction = ((us % SECOND_US_BIG) << 32n) / SECOND_US_BIG
  const stamp = (seconds << 32n) | fraction
  return stamp === 0n ? 1n : stamp
}

/** The instant from 2020 to 2156 that a stamp names, rounded to whole microseconds. */
export function fromStamp(stamp: NtpStamp): UnixUs {
  const earliest = FIRST_READ_S + UNIX_BEGINS_S
  const seconds = (((stamp >> 32n) - earliest + ERA_S) % ERA_S) + FIRST_READ_S
  const fraction = ((stamp & 0xffff_ffffn) * SECOND_US_BIG + (1n << 31n)) >> 32n
  return unixUs(Number(seconds * SECOND_US_BIG + fraction))
}

const fromShort = (short: number): SpanUs => spanUs((short * SECOND_US) / 65_536)

/** Rounded up and clipped at 18 h: an error bound must never be understated. */
const toShort = (span: SpanUs): number =>
  Math.min(0xffff_ffff, Math.max(0, Math.ceil((span * 65_536) / SECOND_US)))

/** Four letters as a refid. */
export function refidOf(letters: string): number {
  assert(/^[\x20-\x7e]{1,4}$/.test(letters), 'a refid is at most four letters')
  let refid = 0
  for (let i = 0; i < 4; i += 1) refid = refid * 256 + (letters.charCodeAt(i) || 0)
  return refid
}

/** Its letters at stratum 0 and 1, or hex digits when they are not letters; else the address. */
export function refidText(refid: number, stratum: number): string {
  const bytes = [refid >>> 24, (refid >>> 16) & 0xff, (refid >>> 8) & 0xff, refid & 0xff]
  if (stratum > 1) return bytes.join('.')
  const text = String.fromCharCode(...bytes).replace(/\0+$/, '')
  return /^[A-Za-z0-9 .+-]*$/.test(text) ? text : refid.toString(16).padStart(8, '0')
}
