import { connect } from 'node:net'
import { errorText } from '../../../../shared/node/fault-error.ts'
import { tcpPeer } from '../../../../shared/node/framed-socket.ts'
import { CONNECT_MS_MAX, type Dial } from './dial.ts'

export const dialTcp =
  ({ host, port }: { readonly host: string; readonly port: number }): Dial =>
  (setup, on) => {
    const socket = connect({ host, port, noDelay: true, keepAlive: true })
    const failed = (detail: string): void => {
      clearTimeout(patience)
      socket.removeAllListeners().on('error', () => undefined)
      socket.destroy()
      on.failed(detail)
    }
    const patience = setTimeout(() => failed(`no answer in ${CONNECT_MS_MAX} ms`), CONNECT_MS_MAX)
    socket.once('error', (error) => failed(errorText(error)))
    socket.once('connect', () => {
      clearTimeout(patience)
      socket.removeAllListeners('error')
      on.up(tcpPeer(socket, setup))
    })
    return () => failed('closed')
  }
