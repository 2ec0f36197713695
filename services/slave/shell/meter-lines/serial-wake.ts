// Keeps serialport prompt on Node 26.4 and newer.
//
// The native poller of @serialport/bindings-cpp 13.0.0 calls JavaScript without the scope in which Node
// runs promise continuations; the read that waits for "readable" then sleeps until anything else happens
// in the process, for seconds on an idle one, and the time of the first byte is wrong by as much. An
// immediate set in that call runs right after it, and the continuations with it.
// Source: github.com/serialport/bindings-cpp pull request 239; to be dropped when a release has it.

import type { SerialPort } from 'serialport'

const afterPoll = (): void => {
  setImmediate(() => {})
}

/** To be called once the port is open; does nothing where there is no poller (Windows). */
export function wakeAfterPoll(port: SerialPort): void {
  const binding = port.port
  if (binding === undefined || !('poller' in binding)) return
  for (const event of ['readable', 'writable', 'disconnect']) {
    binding.poller.on(event, afterPoll)
  }
}
