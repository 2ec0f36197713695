// The ports of a head-end: what `up` binds and `doctor` checks.

import { createSocket } from 'node:dgram'
import { createServer, isIPv6 } from 'node:net'
import { errorCode, FaultError } from '../shared/node/fault-error.ts'
import type { Settings } from './settings.ts'
import type { VariableName } from './variables.ts'

interface Port {
  /** For whom it is. */
  readonly use: string
  readonly kind: 'TCP' | 'UDP'
  readonly number: number
  /** What chooses another. */
  readonly variable: VariableName
}

/** Those that `settings` ask for. */
export function portsOf(settings: Settings): readonly Port[] {
  const { httpPort, tcpPort, wsPort, ntpPort } = settings
  const ports: Port[] = [
    { use: 'pages', kind: 'TCP', number: httpPort, variable: 'TICKLOCK_HTTP_PORT' },
    { use: 'slaves by TCP', kind: 'TCP', number: tcpPort, variable: 'TICKLOCK_TCP_PORT' },
    { use: 'slaves by WebSocket', kind: 'TCP', number: wsPort, variable: 'TICKLOCK_WS_PORT' },
  ]
  if (ntpPort !== 0) {
    ports.push({ use: 'NTP', kind: 'UDP', number: ntpPort, variable: 'TICKLOCK_NTP_PORT' })
  }
  return ports
}

/** OPS-03 when another process listens there. */
export const portFree = (host: string, port: Port): Promise<void> =>
  new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(portFault(error, host, port))
    if (port.kind === 'TCP') {
      const probe = createServer()
      probe.once('error', failed)
      probe.listen(port.number, host, () => probe.close(() => resolve()))
    } else {
      const probe = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
      probe.once('error', failed)
      probe.bind(port.number, host, () => probe.close(() => resolve()))
    }
  })

function portFault(error: Error, host: string, { kind, number, variable }: Port): FaultError {
  if (errorCode(error) !== 'EADDRINUSE')
    return new FaultError('OPS-05', `TICKLOCK_HOST, ${variable}: ${error.message}`)
  const where = `${kind === 'UDP' ? 'UDP ' : ''}${host}:${number}`
  return new FaultError('OPS-03', `${where} (choose another by ${variable})`)
}
