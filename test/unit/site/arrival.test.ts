// How long a request may take to arrive, and that its answer may take longer.

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { test } from 'node:test'
import fastify from 'fastify'
import { limitArrival } from '../../../services/billing/site/http/arrival.ts'

const LIMITS = { formMs: 150, fileMs: 1_500 }

async function* slowly(): AsyncGenerator<string> {
  for (let part = 0; part < 10; part += 1) {
    yield 'some lines of a list\n'
    await pause(50)
  }
}

test('a list that takes longer to send than its request may take to arrive is sent whole', async (t) => {
  const app = fastify()
  t.after(() => app.close())
  limitArrival(app, LIMITS)
  app.get('/list', (_request, reply) => reply.send(Readable.from(slowly())))
  app.post('/form', async () => 'read')
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  const answer = await fetch(`${address}/list`)
  assert.equal((await answer.text()).length, 210)
  // A form that does not come to its end still loses its place.
  const socket = connect(Number(new URL(address).port), '127.0.0.1')
  socket.on('error', () => {})
  socket.write(
    'POST /form HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\na',
  )
  // Not once(): it rejects where the end comes as a reset, which is an end as well.
  await new Promise((closed) => socket.on('close', closed))
})
