// Two repairs to how serialport 13.0.0 (@serialport/bindings-cpp 13.0.0) reads on Linux and macOS:
//
// 1. On Node 26.4 and newer its native poller calls JavaScript outside the scope in which Node runs
//    promise continuations. A read that waits for "readable" then sleeps until something else
//    happens in the process, for seconds on an idle one, and the time of the first byte is wrong by
//    as much. An immediate that is set in that call runs right after it, and the continuations run
//    with it. Source: github.com/serialport/bindings-cpp pull request 239.
// 2. A read of 0 bytes means that the device hung up (it was pulled). The library retries at once,
//    for ever, using a whole processor, and the port never closes. Measured with a pty. Here it is
//    an error.
//
// Drop each repair once a release has it; test/e2e/meter-lines.test.ts has a test for each.

import { read } from 'node:fs'
import type { SerialPort } from 'serialport'

type Binding = Extract<NonNullable<SerialPort['port']>, { poller: unknown }>

const afterPoll = (): void => {
  setImmediate(() => {})
}

/** An error that the stream takes for the end of the port (`canceled`: for our own close). */
const endOfPort = (why: string, canceled: boolean): Error =>
  Object.assign(new Error(why), { canceled, disconnect: !canceled })

const isTransient = (code: string | undefined): boolean =>
  code === 'EAGAIN' || code === 'EWOULDBLOCK' || code === 'EINTR'

function readOnce(
  binding: Binding,
  place: { readonly buffer: Buffer; readonly offset: number; readonly length: number },
  done: (error: Error | null, bytesRead: number) => void,
): void {
  const { fd } = binding
  if (!binding.isOpen || fd === null) {
    done(endOfPort('port is not open', true), 0)
    return
  }
  read(fd, place.buffer, place.offset, place.length, null, (error, bytesRead) => {
    if (error === null && bytesRead > 0) done(null, bytesRead)
    else if (!binding.isOpen) done(endOfPort('port is not open', true), 0)
    else if (error === null) done(endOfPort('device hung up', false), 0)
    else if (!isTransient(error.code)) done(error, 0)
    else {
      binding.poller.once('readable', (refused: Error | null) => {
        if (refused === null) readOnce(binding, place, done)
        else done(refused, 0)
      })
    }
  })
}

/** Call it before anything listens to the port. Does nothing where there is no poller (Windows). */
export function repairPort(port: SerialPort): void {
  port.on('open', () => {
    const binding = port.port
    if (binding === undefined || !('poller' in binding)) return
    for (const event of ['readable', 'writable', 'disconnect']) {
      binding.poller.on(event, afterPoll)
    }
    binding.read = (buffer, offset, length) =>
      new Promise((resolve, reject) => {
        readOnce(binding, { buffer, offset, length }, (error, bytesRead) => {
          if (error === null) resolve({ buffer, bytesRead })
          else reject(error)
        })
      })
  })
}
