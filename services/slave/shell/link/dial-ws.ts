import { WebSocket } from 'ws'
import { errorText } from '../../../../shared/node/fault-error.ts'
import { WS_OPTIONS, wsPeer } from '../../../../shared/node/framed-web-socket.ts'
import { CONNECT_MS_MAX, type Dial } from './dial.ts'

export const dialWs =
  (url: string): Dial =>
  (setup, on) => {
    const socket = new WebSocket(url, { ...WS_OPTIONS, handshakeTimeout: CONNECT_MS_MAX })
    let open = false
    socket.once('error', (error) => {
      if (!open) on.failed(errorText(error))
    })
    socket.once('open', () => {
      open = true
      on.up(wsPeer(socket, { below: null, remote: new URL(url).hostname }, setup))
    })
    return () => socket.terminate()
  }
