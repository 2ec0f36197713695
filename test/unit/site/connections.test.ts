// One address cannot take all connections of the pages (threat-model.md).

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { limitConnections } from '../../../services/billing/site/http/connections.ts'

async function pages(t: TestContext, trustedProxies: readonly string[] = []) {
  const server = createServer((_request, response) => void response.end('page'))
  const refused: string[] = []
  const onRefusedConnection = (fault: string): unknown => refused.push(fault)
  limitConnections(server, { trustedProxies, onRefusedConnection })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const { port } = address
  return {
    refused,
    silent: async (count: number, localAddress: string): Promise<void> => {
      for (let at = 0; at < count; at += 1) {
        const socket = connect({ port, host: '127.0.0.1', localAddress })
        socket.on('error', () => socket.destroy())
        t.after(() => socket.destroy())
        await once(socket, 'connect')
      }
    },
    get: async (localAddress: string): Promise<number | string> => {
      const asked = request({ port, host: '127.0.0.1', localAddress, agent: false }).end()
      try {
        const [answer] = await once(asked, 'response')
        answer.resume()
        return answer.statusCode
      } catch (error) {
        return error instanceof Error ? error.message : 'failed'
      }
    },
    connections: (): Promise<number> =>
      new Promise((done) => server.getConnections((_error, count) => done(count))),
  }
}

test('1,000 silent sockets of one address: others are served at once, neighbours after a second', async (t) => {
  const house = await pages(t)
  await house.silent(1_000, '127.0.0.1')
  assert.ok((await house.connections()) <= 64, `${await house.connections()} held`)
  assert.equal(await house.get('127.0.0.2'), 200)
  await wait(1_050)
  assert.equal(await house.get('127.0.0.1'), 200)
  assert.deepEqual([...new Set(house.refused)], ['WIR-05', 'WIR-10'])
})

test('silent sockets of sixteen addresses: a seventeenth is served', async (t) => {
  const house = await pages(t)
  for (let at = 10; at < 26; at += 1) await house.silent(64, `127.0.0.${at}`)
  assert.equal(await house.get('127.0.0.2'), 200)
  assert.ok(house.refused.includes('WIR-10'))
})

test('connections of a trusted proxy are everybody’s: it limits them itself', async (t) => {
  const house = await pages(t, ['192.0.2.1', '127.0.1.0/24'])
  await house.silent(200, '127.0.1.7')
  assert.equal(await house.get('127.0.1.7'), 200)
  assert.deepEqual(house.refused, [])
})
