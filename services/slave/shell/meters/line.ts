// One physical line: a serial port or a TCP socket, reopened with back-off until it is closed. A
// line that fails affects no other.

import { connect, type Socket } from 'node:net'
import { SerialPort } from 'serialport'
import { repairPort } from './serial-repair.ts'
import type { LineAddress, SerialAddress, TcpAddress } from './line-url.ts'

export interface LineHandlers {
  up(): void
  /** It was lost, or cannot be opened. Called once per outage; `why` is for the operator. */
  down(why: string): void
  bytes(chunk: Uint8Array): void
}

export interface Line {
  write(bytes: Uint8Array): void
  close(): Promise<void>
}

/** First pause before reopening, ms: a cable pulled and put back is picked up at once. */
const REOPEN_MS_MIN = 250
/** Longest pause, ms: a repaired line is back within half a minute. */
const REOPEN_MS_MAX = 30_000
/** How long a host may take to accept a connection, ms. */
const CONNECT_MS_MAX = 5_000
/** Keep-alive of an idle TCP line, ms: else a server that lost power looks like silent meters. */
const KEEP_ALIVE_MS = 30_000
/** Most bytes waiting to be sent. Requests have 60 bytes: with more waiting, nobody reads them. */
const UNSENT_BYTES_MAX = 16_384

/** What a serial port and a socket have in common. */
interface Channel {
  write(bytes: Uint8Array): void
  /** Calls `closed` once the device is free for others. */
  close(closed: () => void): void
}
interface ChannelHandlers {
  opened(): void
  bytes(chunk: Uint8Array): void
  /** Called once, after everything else. */
  gone(why: string): void
}

/** For a system error its code alone: the message may repeat the whole configuration. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}

function openTcp({ host, port }: TcpAddress, on: ChannelHandlers): Channel {
  const socket: Socket = connect({ host, port, noDelay: true })
  socket.setKeepAlive(true, KEEP_ALIVE_MS)
  let why = 'closed by the other side'
  const connecting = setTimeout(() => {
    why = 'no answer to the connect'
    socket.destroy()
  }, CONNECT_MS_MAX)
  socket.on('connect', () => {
    clearTimeout(connecting)
    on.opened()
  })
  socket.on('data', (chunk: Uint8Array) => on.bytes(chunk))
  socket.on('error', (error) => {
    why = reason(error)
  })
  socket.on('close', () => {
    clearTimeout(connecting)
    on.gone(why)
  })
  return {
    write(bytes) {
      if (socket.writableLength > UNSENT_BYTES_MAX) socket.destroy()
      else if (socket.writable) socket.write(bytes)
    },
    close(closed) {
      if (socket.closed) {
        closed()
        return
      }
      socket.once('close', closed)
      socket.destroy()
    },
  }
}

function openSerial(address: SerialAddress, on: ChannelHandlers): Channel {
  const { path, baudRate, dataBits, parity, stopBits } = address
  const port = new SerialPort({ path, baudRate, dataBits, parity, stopBits, autoOpen: false })
  repairPort(port)
  let opening = true
  let afterOpening: (() => void) | null = null
  port.on('data', (chunk: Uint8Array) => on.bytes(chunk))
  port.on('error', () => {
    // Every error that matters also closes the port, and is reported there.
  })
  port.on('close', (error: Error | null) => {
    on.gone(error === null ? 'closed' : `disconnected: ${reason(error)}`)
  })
  port.open((error) => {
    opening = false
    if (error !== null && error !== undefined) on.gone(error.message)
    else on.opened()
    afterOpening?.()
  })
  const close = (closed: () => void) => {
    if (opening) afterOpening = () => close(closed)
    else if (port.isOpen) port.close(() => closed())
    else closed()
  }
  return {
    write(bytes) {
      if (port.isOpen && port.writableLength <= UNSENT_BYTES_MAX) port.write(Buffer.from(bytes))
    },
    close,
  }
}

/** Opens the line and keeps it open; `jitter`, 0..1, spreads out the reopening of many lines. */
export function openLine(
  address: LineAddress,
  on: LineHandlers,
  jitter: () => number = () => 0,
): Line {
  let pauseMs = REOPEN_MS_MIN
  let timer: NodeJS.Timeout | undefined
  let channel: Channel | null = null
  let wanted = true
  let reported = false

  const open = () => {
    let gone = false
    const handlers: ChannelHandlers = {
      opened() {
        if (!wanted) return
        reported = false
        on.up()
      },
      bytes(chunk) {
        // A line is well only once it carries bytes: some servers accept, then hang up at once.
        pauseMs = REOPEN_MS_MIN
        if (wanted && !gone) on.bytes(chunk)
      },
      gone(why) {
        if (gone) return
        gone = true
        channel = null
        if (!wanted) return
        if (!reported) on.down(why)
        reported = true
        timer = setTimeout(open, pauseMs * (1 + jitter() / 4))
        pauseMs = Math.min(pauseMs * 2, REOPEN_MS_MAX)
      },
    }
    channel = address.kind === 'tcp' ? openTcp(address, handlers) : openSerial(address, handlers)
  }
  open()

  return {
    write: (bytes) => channel?.write(bytes),
    close: () =>
      new Promise((closed) => {
        wanted = false
        clearTimeout(timer)
        if (channel === null) closed()
        else channel.close(closed)
      }),
  }
}
