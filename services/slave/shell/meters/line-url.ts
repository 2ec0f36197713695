// The address of a meter line, as the configuration writes it:
//   serial:/dev/ttyUSB0?baud=9600&format=8N1      tcp://192.0.2.7:4001

import type { FaultCode } from '../../../../shared/faults.ts'

export interface SerialAddress {
  readonly kind: 'serial'
  readonly path: string
  readonly baudRate: number
  readonly dataBits: 7 | 8
  readonly parity: 'none' | 'even' | 'odd'
  readonly stopBits: 1 | 2
}
export interface TcpAddress {
  readonly kind: 'tcp'
  readonly host: string
  readonly port: number
}
export type LineAddress = SerialAddress | TcpAddress

export type LineUrlVerdict =
  | { readonly ok: true; readonly address: LineAddress }
  | { readonly ok: false; readonly fault: FaultCode; readonly detail: string }

/** Rates that every serial driver supports; any other rate is a typing error. */
const BAUD_RATES: readonly number[] = [
  300, 600, 1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 57_600, 115_200, 230_400,
]

const SERIAL = /^serial:(\/[^?\s]+|COM\d{1,3})(?:\?(\S*))?$/
const TCP = /^tcp:\/\/(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9.-]{1,253})):(\d{1,5})$/
const FORMAT = /^([78])([NEO])([12])$/
const PARITY = { N: 'none', E: 'even', O: 'odd' } as const
const isParityLetter = (letter: string): letter is keyof typeof PARITY => letter in PARITY

const refuse = (detail: string): LineUrlVerdict => ({ ok: false, fault: 'OPS-05', detail })

/** Reads a line URL; OPS-05 says exactly what is wrong. Defaults: 9600 baud, 8N1. */
export function parseLineUrl(url: string): LineUrlVerdict {
  const tcp = TCP.exec(url)
  if (tcp !== null) {
    const host = tcp[1] ?? tcp[2] ?? ''
    const port = Number(tcp[3])
    if (port < 1 || port > 65_535) return refuse(`port ${port} of "${url}" is not 1..65535`)
    return { ok: true, address: { kind: 'tcp', host, port } }
  }
  const serial = SERIAL.exec(url)
  if (serial === null) {
    return refuse(`"${url}" is neither serial:/dev/...?baud=9600&format=8N1 nor tcp://host:port`)
  }
  return serialAddress(url, serial[1] ?? '', new URLSearchParams(serial[2] ?? ''))
}

function serialAddress(url: string, path: string, options: URLSearchParams): LineUrlVerdict {
  for (const name of options.keys()) {
    if (name !== 'baud' && name !== 'format') return refuse(`"${name}" in "${url}" is unknown`)
    if (options.getAll(name).length > 1) return refuse(`"${name}" stands twice in "${url}"`)
  }
  const baudText = options.get('baud') ?? '9600'
  const baudRate = BAUD_RATES.find((rate) => String(rate) === baudText)
  if (baudRate === undefined) {
    return refuse(`baud=${baudText} in "${url}" is none of ${BAUD_RATES.join(', ')}`)
  }
  const formatText = options.get('format') ?? '8N1'
  const [, bits, letter = '', stop] = FORMAT.exec(formatText) ?? []
  if (!isParityLetter(letter)) {
    return refuse(`format=${formatText} in "${url}" is not like 8N1, 7E1 or 8E1`)
  }
  const dataBits = bits === '7' ? 7 : 8
  const stopBits = stop === '2' ? 2 : 1
  const parity = PARITY[letter]
  return { ok: true, address: { kind: 'serial', path, baudRate, dataBits, parity, stopBits } }
}

/** Bits of one character on the line, start and stop bits included: they set how long it takes. */
export const bitsPerByte = ({ dataBits, parity, stopBits }: SerialAddress): number =>
  1 + dataBits + (parity === 'none' ? 0 : 1) + stopBits
