// NTS key establishment over TLS 1.3 (RFC 8915 section 4): one question, one answer, and the keys
// that both sides take from the TLS session. The certificate is checked like any server's, against
// the authorities built into Node and those of TICKLOCK_TIME_CA.

import { isIP } from 'node:net'
import { connect, getCACertificates, type TLSSocket } from 'node:tls'
import { concat, Writer } from '../../../../shared/bytes.ts'
import { SIV_KEY_BYTES } from '../../../../shared/clock/nts/fields.ts'
import {
  AEAD_AES_SIV_CMAC_256,
  decodeKeAnswer,
  encodeKeRequest,
  KE_BYTES_MAX,
  type KeVerdict,
  NTPV4,
} from '../../../../shared/clock/nts/records.ts'
import type { NtsKeys } from '../../../../shared/clock/nts/session.ts'
import { NTP_PORT } from '../../../../shared/clock/ntp/packet.ts'
import { errorText } from '../../../../shared/node/fault-error.ts'
import { Secret } from '../../../../shared/secret.ts'

/** Port of key establishment (RFC 8915 section 7.1). */
export const NTS_KE_PORT = 4_460
/** Longest a key establishment may take, milliseconds: two round trips of the slowest network we
 * take time from, and the server's cryptography. */
const KE_MS = 10_000
/** Longest reason reported, characters: TLS repeats everything a stranger's certificate says. */
const REASON_LENGTH_MAX = 300
const ALPN = 'ntske/1'
const EXPORTER = 'EXPORTER-network-time-security'

export interface KeServer {
  readonly host: string
  readonly port: number
  /** Certificates in PEM trusted besides those built into Node. */
  readonly authorities: readonly string[]
  readonly limitMs?: number
}

/** What an NTS association begins with: keys, cookies, and the address of the NTP server. */
export interface Established {
  readonly keys: NtsKeys
  readonly host: string
  readonly port: number
}

export type EstablishVerdict =
  | { readonly ok: true; readonly established: Established }
  | { readonly ok: false; readonly fault: 'CLK-13'; readonly detail: string }

/** Asks `server` for keys and cookies. CLK-13 with the reason when nothing usable comes: no
 * connection, an invalid certificate, an answer we cannot use, or too late. */
export function establish(server: KeServer): Promise<EstablishVerdict> {
  return new Promise((done) => {
    const { host, port, authorities, limitMs = KE_MS } = server
    const socket = connect({
      host,
      port,
      // A name without its final dot; an address is not allowed there (RFC 6066 section 3).
      ...(isIP(host) === 0 ? { servername: host.replace(/\.$/, '') } : {}),
      ALPNProtocols: [ALPN],
      minVersion: 'TLSv1.3',
      ca: [...getCACertificates('default'), ...authorities],
    })
    const end = (verdict: EstablishVerdict): void => {
      clearTimeout(timer)
      socket.destroy()
      done(verdict)
    }
    const fail = (why: string): void => {
      const reason = why.replaceAll(/\p{C}/gu, '?').slice(0, REASON_LENGTH_MAX)
      end({ ok: false, fault: 'CLK-13', detail: `${host}: ${reason}` })
    }
    const timer = setTimeout(() => fail(`no answer within ${limitMs} ms`), limitMs)
    let gathered: Uint8Array = new Uint8Array(0)
    socket.on('error', (error) => fail(errorText(error)))
    socket.on('close', () => fail('closed without an answer'))
    socket.on('secureConnect', () => {
      if (socket.alpnProtocol === ALPN) socket.write(encodeKeRequest())
      else fail(`does not speak ${ALPN}`)
    })
    socket.on('data', (chunk: Buffer) => {
      // One byte over the limit is enough to see that the answer is too long.
      const room = KE_BYTES_MAX + 1 - gathered.length
      gathered = concat(gathered, chunk.subarray(0, room))
      const verdict = decodeKeAnswer(gathered)
      if (verdict.is === 'refused') fail(verdict.why)
      if (verdict.is === 'granted') end({ ok: true, established: taken(socket, host, verdict) })
    })
  })
}

/** Unless the answer names another, the NTP server is the host the keys came from (section
 * 4.1.7). */
function taken(
  socket: TLSSocket,
  host: string,
  { grant }: Extract<KeVerdict, { is: 'granted' }>,
): Established {
  return {
    keys: {
      toServer: exported(socket, 0),
      toClient: exported(socket, 1),
      cookies: grant.cookies,
    },
    host: grant.server ?? socket.remoteAddress ?? host,
    port: grant.port ?? NTP_PORT,
  }
}

/** The key of one direction: 0 to the server, 1 to the client (section 5.1). */
function exported(socket: TLSSocket, direction: 0 | 1): Secret {
  const context = new Writer().u16(NTPV4).u16(AEAD_AES_SIV_CMAC_256).u8(direction).done()
  const key = socket.exportKeyingMaterial(SIV_KEY_BYTES, EXPORTER, Buffer.from(context))
  return new Secret(new Uint8Array(key))
}
