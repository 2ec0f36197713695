// Connections to the pages: one address must not keep everybody else out, as little as at the
// master's doors. An idle connection gives way (shared/node/admission); one whose request is being
// answered does not, and how many of those an address may have follows from the limits on requests.

import type { Server } from 'node:http'
import { BlockList, isIPv6, type Socket } from 'node:net'
import { Admission, type Place } from '../../../../shared/node/admission.ts'
import { monoUs } from '../../../../shared/units.ts'
import { CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS } from './limits.ts'

export interface ConnectionRules {
  /** Addresses and subnets of proxies whose X-Forwarded-For is believed; empty: nobody's. Each
   * carries everybody's connections, and limits them itself. */
  readonly trustedProxies: readonly string[]
  /** WIR-05 there was no room, WIR-10 an idle connection gave way to another. */
  readonly onRefusedConnection?: (fault: 'WIR-05' | 'WIR-10') => void
}

export function limitConnections(server: Server, rules: ConnectionRules): void {
  const { trustedProxies, onRefusedConnection: onRefused = () => {} } = rules
  const admission = new Admission({
    connections: CONNECTIONS_MAX,
    perAddress: CONNECTIONS_PER_ADDRESS,
  })
  const places = new WeakMap<Socket, Place>()
  const proxies = listOf(trustedProxies)
  // For what comes by proxies, which the admission does not see.
  server.maxConnections = 2 * CONNECTIONS_MAX
  server.on('connection', (socket) => {
    const address = socket.remoteAddress ?? 'gone'
    if (proxies.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')) return
    const now = monoUs(Math.floor(performance.now() * 1_000))
    const place = admission.admit(address, now, () => {
      socket.destroy()
      onRefused('WIR-10')
    })
    if (place === null) {
      socket.destroy()
      onRefused('WIR-05')
      return
    }
    places.set(socket, place)
    socket.once('close', () => place.leave())
  })
  server.on('request', (request, response) => {
    const place = places.get(request.socket)
    place?.serve(true)
    response.once('close', () => place?.serve(false))
  })
}

/** The entries were checked when the settings were read. */
function listOf(entries: readonly string[]): BlockList {
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', bits] = entry.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return list
}
