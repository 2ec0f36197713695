// What is special about the link in its own thread: time stamps that do not wait for the agent, and
// nothing that still arrives from a connection that was left.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { LinkHandlers } from '../../services/slave/shell/link/link.ts'
import { openLinkThread } from '../../services/slave/shell/link/thread.ts'
import { fromText, toText } from '../../shared/bytes.ts'
import { systemClock } from '../../shared/node/system-clock.ts'
import { type MonoUs, monoUs, spanUs } from '../../shared/units.ts'
import { BODY_BYTES_MAX } from '../../shared/wire/limits.ts'
import { lengthPrefixed } from '../../shared/wire/transport.ts'
import { until } from './whole-way.ts'

const HOST = '127.0.0.1'

/** A master that does nothing on its own. */
async function server(t: TestContext) {
  const sockets: Socket[] = []
  const came: Buffer[] = []
  const listening = createServer((socket) => {
    socket.on('error', () => undefined).on('data', (bytes) => came.push(Buffer.from(bytes)))
    sockets.push(socket)
  }).listen(0, HOST)
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    listening.close()
  })
  await once(listening, 'listening')
  const address = listening.address()
  assert.ok(typeof address === 'object' && address !== null)
  return { sockets, came, port: address.port }
}

/** What a link brought. */
function slave(t: TestContext, port: number, ahead = 0) {
  const lines: string[] = []
  const bodies: { readonly text: string; readonly at: MonoUs; readonly taken: MonoUs }[] = []
  const sent: { readonly made: MonoUs; readonly at: MonoUs }[] = []
  const handlers: LinkHandlers = {
    onUp: () => lines.push('up'),
    onDown: (fault) => lines.push(`down ${fault}`),
    onUnreachable: () => lines.push('unreachable'),
    onBody: (body, at) => {
      bodies.push({ text: toText(body), at, taken: systemClock.mono() })
      lines.push(body.length > 50 ? 'long' : toText(body))
    },
    onSent: (made, at) => sent.push({ made, at }),
  }
  const address = { kind: 'tcp', host: HOST, port } as const
  const link = openLinkThread(address, handlers, { ahead: () => spanUs(ahead) })
  t.after(() => link.close())
  return { link, lines, bodies, sent }
}

const has = (what: string, check: () => boolean) => until(what, async () => check() || null, 5_000)

function block(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

test('a question carries the time it left: not before it was made, nor after it could leave', async (t) => {
  const { sockets, port } = await server(t)
  const { link, lines, bodies, sent } = slave(t, port)
  await has('the link', () => lines.includes('up'))
  sockets[0]?.pipe(sockets[0])
  link.send(fromText('warm'), monoUs(1))
  await has('an echo', () => bodies.length === 1)
  const begins = systemClock.mono()
  link.send(fromText('question'), begins)
  await has('the answer', () => bodies.length === 2)
  const [, question] = sent
  const answer = bodies[1]
  assert.ok(question !== undefined && answer !== undefined)
  assert.equal(question.made, begins)
  assert.ok(begins <= question.at && question.at <= answer.at && answer.at <= answer.taken)
})

test('a body is stamped when it arrives, however late the agent looks', async (t) => {
  const { sockets, port } = await server(t)
  const { bodies, lines } = slave(t, port)
  await has('the link', () => lines.includes('up'))
  sockets[0]?.write(lengthPrefixed(fromText('now')))
  const written = systemClock.mono()
  block(300)
  await has('it', () => bodies.length === 1)
  const [body] = bodies
  assert.ok(body !== undefined && body.taken - written >= 300_000)
  assert.ok(body.at - written < 150_000, `${body.at - written} us late`)
})

test('what was sent before close still leaves; what arrives after drop is ignored', async (t) => {
  const { sockets, came, port } = await server(t)
  const { link, lines } = slave(t, port)
  await has('the link', () => lines.includes('up'))
  sockets[0]?.write(lengthPrefixed(fromText('before')))
  await has('it', () => lines.includes('before'))
  for (let n = 0; n < 20; n += 1) sockets[0]?.write(lengthPrefixed(fromText('after')))
  block(20)
  link.drop(null, 'left')
  assert.equal(link.send(fromText('late')), false)
  // The drop was meant for the connection that is over.
  link.drop('SEC-11', 'forged')
  await has('the next', () => lines.filter((line) => line === 'up').length === 2)
  assert.deepEqual(lines, ['up', 'before', 'down null', 'up'])
  for (let n = 0; n < 30; n += 1) link.send(new Uint8Array(10_000))
  link.send(fromText('last'))
  await link.close()
  await has('the last', () => Buffer.concat(came).toString('latin1').endsWith('last'))
  assert.deepEqual(lines, ['up', 'before', 'down null', 'up'])
})

/** A master in a process of its own that sends `count` bodies of the greatest length at once and
 * prints after 500 ms how many bytes it still holds. */
const FLOOD = (count: number) => `import { createServer } from 'node:net'
  const body = Buffer.alloc(${BODY_BYTES_MAX} + 2)
  body.writeUInt16BE(${BODY_BYTES_MAX})
  const server = createServer((socket) => {
    socket.on('error', () => process.exit())
    for (let n = 0; n < ${count}; n += 1) socket.write(body)
    setTimeout(() => console.log(socket.writableLength), 500)
  }).listen(0, '${HOST}', () => console.log(server.address().port))`

test('a master faster than the agent waits in its own buffers; nothing is lost', async (t) => {
  const count = 1_000
  const master = spawn(process.execPath, ['--input-type=module', '--eval', FLOOD(count)])
  t.after(() => master.kill())
  const [port] = await once(master.stdout, 'data')
  const { bodies, lines } = slave(t, Number(String(port)))
  await has('the link', () => lines.includes('up'))
  const said = once(master.stdout, 'data')
  block(1_000)
  const [held] = await said
  await has('all', () => bodies.length === count)
  // The kernel buffers a few megabytes on the way.
  assert.ok(Number(String(held)) > (count * BODY_BYTES_MAX) / 2, `${held} bytes held`)
})

test('a demo’s upset clock is upset for stamps too', async (t) => {
  const { sockets, port } = await server(t)
  const { bodies, lines } = slave(t, port, 180_000_000)
  await has('the link', () => lines.includes('up'))
  sockets[0]?.write(lengthPrefixed(fromText('now')))
  await has('it', () => bodies.length === 1)
  assert.ok((bodies[0]?.at ?? 0) > systemClock.mono() + 170_000_000)
})

test('OPS-25: a thread that ends takes the slave down, with its code', () => {
  const module = new URL('../../services/slave/shell/link/thread.js', import.meta.url).href
  const script = `import { openLinkThread } from '${module}'
    openLinkThread({ kind: 'tcp', host: '127.0.0.1', port: 99999 }, {})`
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', script],
    { encoding: 'utf8', timeout: 20_000 },
  )
  assert.notEqual(status, 0)
  assert.match(stderr, /OPS-25 .*99999/)
})
