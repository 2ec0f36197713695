// One NTP client of ours that asks a server on loopback every second, for the live comparison: an
// association, its estimator, and time stamps as the head-end takes them. A process of its own; its
// argument is the port. Prints each second how far its estimate is from the system's clock,
// microseconds. The server hands out that same clock, so that is its error.

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import {
  type AssociationEvent,
  PLAIN,
  startAssociation,
  stepAssociation,
} from '../../../shared/clock/ntp/association.ts'
import { estimateAt } from '../../../shared/clock/estimator.ts'
import { nodeRandom } from '../../../shared/node/node-suite.ts'
import { openWallClock } from '../../../shared/node/wall-edges.ts'
import { type MonoUs, monoUs } from '../../../shared/units.ts'

const HOST = '127.0.0.1'
/** The association sees to it itself when to ask. */
const TICK_MS = 50
const TELL_MS = 1_000
/** One question a second, as the other side of the comparison asks. */
const POLLS = { min: 0, max: 0 }
const OUTSIDE = { random: nodeRandom, ours: new Set<number>() }

const mono = (): MonoUs => monoUs(Number(process.hrtime.bigint()) / 1_000)
const wall = openWallClock()
const socket = createSocket('udp4')
socket.connect(Number(process.argv[2]), HOST)
await once(socket, 'connect')
let association = startAssociation(mono(), PLAIN, POLLS)

function step(event: AssociationEvent): void {
  const after = stepAssociation(association, event, OUTSIDE)
  association = after.association
  for (const action of after.actions) {
    if (action.do === 'report') console.error(action.fault, action.detail)
    if (action.do !== 'send') continue
    step({ on: 'sent', at: mono() })
    socket.send(action.datagram)
  }
}

socket.on('message', (datagram) => step({ on: 'datagram', datagram, at: mono() }))
socket.on('error', () => {})
setInterval(() => step({ on: 'tick', at: mono() }), TICK_MS)
setInterval(() => {
  const at = mono()
  const estimate = estimateAt(association.estimator, at)
  if (estimate === null) return
  const aged = (at - estimate.mono) * (1 + estimate.frequency * 1e-6)
  console.log(estimate.utc + aged - wall.at(at).at)
}, TELL_MS)
