// Ports of a test's own.
//
// A port that the system picks (listen on 0) and that is closed again may be given to somebody else
// before our program opens it: two files run at a time, and every outgoing connection takes a port
// from the same range. These lie below that range, and each lane of the test runner
// (tools/test.js) has its own.

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Linux gives out 32768 to 60999, others 49152 to 65535. */
const FIRST = 20_000
const LANES_MAX = 4
const LANE_PORTS = 3_000

const lane = Number(process.env['TICKLOCK_TEST_LANE'] ?? LANES_MAX - 1) % LANES_MAX
/** The files of a lane begin at different ports: what the last one left may still be closing. */
let tried = (process.pid * 41) % LANE_PORTS

/** Resolves with `count` ports of 127.0.0.1 that are free for TCP and UDP. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = []
  for (let left = LANE_PORTS; ports.length < count && left > 0; left -= 1) {
    const port = FIRST + lane * LANE_PORTS + tried
    tried = (tried + 1) % LANE_PORTS
    if (await isFree(port)) ports.push(port)
  }
  return ports
}

async function isFree(port: number): Promise<boolean> {
  const [server, socket] = [createServer(), createSocket('udp4')]
  try {
    const listening = [once(server, 'listening'), once(socket, 'listening')]
    server.listen(port, '127.0.0.1')
    socket.bind(port, '127.0.0.1')
    return (await Promise.allSettled(listening)).every(({ status }) => status === 'fulfilled')
  } finally {
    const closed = [once(server, 'close'), once(socket, 'close')]
    server.close()
    socket.close()
    await Promise.all(closed)
  }
}
