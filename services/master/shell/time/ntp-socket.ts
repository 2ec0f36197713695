// The UDP socket of the NTP server. The arrival is stamped before anything else, the transmit stamp
// is written after everything else.

import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns'
import { isIP, isIPv6 } from 'node:net'
import {
  answerTo,
  type ServedClock,
  strikeTransmit,
  Turnstile,
} from '../../../../shared/clock/ntp/server.ts'
import { countedAddress } from '../../../../shared/node/admission.ts'
import { errorCode, errorText } from '../../../../shared/node/fault-error.ts'
import type { MonoUs, UnixUs } from '../../../../shared/units.ts'

/** Bytes that may wait while the network is slower than the questions: a thousand answers. A client
 * without an answer asks again. */
const WAITING_BYTES_MAX = 65_536

export interface NtpServerSetup {
  readonly host: string
  readonly port: number
  readonly mono: () => MonoUs
  /** The clock we serve. */
  readonly timeAt: (mono: MonoUs) => UnixUs
  readonly served: (mono: MonoUs) => ServedClock
}

export interface NtpServer {
  readonly port: number
  close(): void
}

export type NtpServerVerdict =
  | { readonly ok: true; readonly server: NtpServer }
  | { readonly ok: false; readonly fault: 'OPS-03' | 'OPS-05'; readonly detail: string }

/** OPS-03 when the port is taken, OPS-05 when it cannot be opened. */
export function serveNtp(setup: NtpServerSetup): Promise<NtpServerVerdict> {
  const { host, port, mono, timeAt, served } = setup
  const turnstile = new Turnstile()
  const socket = createSocket({
    type: isIPv6(host) ? 'udp6' : 'udp4',
    // Clients' addresses are numeric. The usual look-up returns in a later turn of the event loop,
    // and the transmit stamp would be stale by that much.
    lookup: (address, options, done) => {
      const family = isIP(address)
      if (family === 0) lookup(address, options, done)
      else done(null, address, family)
    },
  })
  socket.on('message', (datagram, { address, port }) => {
    const at = mono()
    // No answer reaches port 0: the question is forged.
    const turn = port === 0 ? 'silence' : turnstile.turn(countedAddress(address), at)
    if (turn === 'silence' || socket.getSendQueueSize() > WAITING_BYTES_MAX) return
    const answer = answerTo({ datagram, port }, turn, timeAt(at), served(at))
    if (answer === null) return
    strikeTransmit(answer, timeAt(mono()))
    socket.send(answer, port, address, ignoreSendError)
  })
  return new Promise((resolve) => {
    socket.once('error', (error) => {
      const taken = errorCode(error) === 'EADDRINUSE'
      const fault = taken ? 'OPS-03' : 'OPS-05'
      const where = `UDP ${host}:${port} (choose another by TICKLOCK_NTP_PORT)`
      resolve({ ok: false, fault, detail: taken ? where : errorText(error) })
    })
    socket.bind(port, host, () => {
      socket.removeAllListeners('error')
      // Network errors about one client's address are not our concern.
      socket.on('error', () => {})
      const server = { port: socket.address().port, close: () => socket.close() }
      resolve({ ok: true, server })
    })
  })
}

/** The client asks again. */
const ignoreSendError = (): void => {}
