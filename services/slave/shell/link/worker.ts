// The link's own thread: the sockets, their clock and nothing else. It loads little, because the
// slave promises to stay small.

import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../../../shared/node/system-clock.ts'
import { BODY_BYTES_MAX } from '../../../../shared/wire/limits.ts'
import { openLink } from './link.ts'
import { costOf, counter, type FromLink, type LinkThreadData, type ToLink } from './messages.ts'

/** Most bytes that may wait for the agent's thread: a master that sends faster has to wait. */
const UNTAKEN_BYTES_MAX = 4 * BODY_BYTES_MAX

if (parentPort === null) throw new Error('broken promise: runs in a thread of the slave')
const port = parentPort
const tell = (message: FromLink, transfer: ArrayBuffer[] = []): void =>
  port.postMessage(message, transfer)

const taken = counter((bytes) => tell({ on: 'taken', bytes }))

const { address, idleMs }: LinkThreadData = workerData
let connection = 0
let up = false
let untaken = 0
let paused = false

const link = openLink(
  address,
  {
    onUp: () => {
      connection += 1
      up = true
      tell({ on: 'up', link: connection })
    },
    onDown: (fault, detail) => {
      up = false
      tell({ on: 'down', fault, detail })
    },
    onUnreachable: (detail) => tell({ on: 'unreachable', detail }),
    onBody: (body, at) => {
      untaken += costOf(body)
      const own = body.slice()
      tell({ on: 'body', link: connection, body: own, at }, [own.buffer])
      if (paused || untaken <= UNTAKEN_BYTES_MAX) return
      paused = true
      link.pause()
    },
    onSent: (made, at) => tell({ on: 'sent', made, at }),
  },
  {
    clock: () => systemClock.mono(),
    random: Math.random,
    ...(idleMs === undefined ? {} : { idleMs }),
  },
)

port.on('message', (message: ToLink) => {
  switch (message.do) {
    case 'send':
      if (up && message.link === connection) link.send(message.body, message.made)
      taken(message.body)
      return
    case 'drop':
      if (up && message.link === connection) link.drop(message.fault, message.detail)
      return
    case 'taken':
      untaken -= message.bytes
      if (!paused || untaken > UNTAKEN_BYTES_MAX / 2) return
      paused = false
      link.resume()
      return
    case 'close':
      link.close()
      // The thread ends when the last socket has.
      port.unref()
      return
  }
})
