// Who may connect at all: a limit on connections in total and per address, before a byte is read.

import { isIPv6 } from 'node:net'

export interface AdmissionLimits {
  readonly connections: number
  /** Per IPv4 address, or per /64 of IPv6 (a household has a whole /64 to choose from). */
  readonly perAddress: number
}

/** The address that is counted: IPv4 as it is (also when mapped into IPv6), IPv6 cut to its /64. */
export function countedAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped?.[1] !== undefined) return mapped[1]
  if (!isIPv6(address)) return address
  const [before = '', after] = (address.split('%')[0] ?? '').split('::')
  const head = before === '' ? [] : before.split(':')
  const tail = after === undefined || after === '' ? [] : after.split(':')
  const zeros = after === undefined ? 0 : Math.max(0, 8 - head.length - tail.length)
  const groups = [...head, ...Array.from({ length: zeros }, () => '0'), ...tail]
  return `${groups.slice(0, 4).join(':')}::/64`
}

export class Admission {
  readonly #limits: AdmissionLimits
  readonly #counts = new Map<string, number>()
  #total = 0

  constructor(limits: AdmissionLimits) {
    this.#limits = limits
  }

  get connections(): number {
    return this.#total
  }

  /** Counts a new connection; null when it is one too many (WIR-05). Call the returned function
   * once, when the connection ends. */
  admit(address: string): (() => void) | null {
    const counted = countedAddress(address)
    const count = this.#counts.get(counted) ?? 0
    if (this.#total >= this.#limits.connections || count >= this.#limits.perAddress) return null
    this.#total += 1
    this.#counts.set(counted, count + 1)
    return () => {
      this.#total -= 1
      const left = (this.#counts.get(counted) ?? 1) - 1
      if (left === 0) this.#counts.delete(counted)
      else this.#counts.set(counted, left)
    }
  }
}
