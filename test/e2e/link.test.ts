// The slave's link against the master's listeners, over real sockets, with well-behaved and bad
// peers.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { type Listeners, listen } from '../../services/master/shell/listeners.ts'
import { backOffMs, type LinkHandlers, openLink } from '../../services/slave/shell/link/link.ts'
import { openLinkThread } from '../../services/slave/shell/link/thread.ts'
import { type LinkAddress, parseLinkAddress } from '../../services/slave/shell/link/address.ts'
import { fromText, toText } from '../../shared/bytes.ts'
import type { FramedPeer } from '../../shared/node/framed-peer.ts'
import { monoUs } from '../../shared/units.ts'
import { BODY_BYTES_MAX, GREETING_BYTES_MAX } from '../../shared/wire/limits.ts'
import { lengthPrefixed } from '../../shared/wire/transport.ts'

const clock = () => monoUs(performance.now() * 1_000)
const HOST = '127.0.0.1'
const LIMITS = {
  connections: 100,
  perAddress: 50,
  idleMs: 60_000,
  waitingBytesMax: 1_000_000,
  firstBodyBytesMax: BODY_BYTES_MAX,
}

/** What happened, as lines of text that a test can wait for. */
class Diary {
  readonly lines: string[] = []
  #waiting: (() => void)[] = []

  readonly note = (line: string): void => {
    this.lines.push(line)
    for (const wake of this.#waiting.splice(0)) wake()
  }

  async until(line: string, times = 1): Promise<void> {
    while (this.lines.filter((entry) => entry === line).length < times) {
      await new Promise<void>((wake) => this.#waiting.push(wake))
    }
  }
}

interface Master {
  readonly listeners: Listeners
  readonly diary: Diary
  readonly peers: FramedPeer[]
  readonly tcp: string
  readonly ws: string
}

/** A master that echoes. */
async function master(
  t: TestContext,
  limits: Partial<typeof LIMITS> = {},
  ports = { tcp: 0, ws: 0 },
): Promise<Master> {
  const diary = new Diary()
  const peers: FramedPeer[] = []
  const verdict = await listen({
    tcp: { host: HOST, port: ports.tcp },
    ws: { host: HOST, port: ports.ws, path: '/tves' },
    limits: { ...LIMITS, ...limits },
    clock,
    onPeer: (peer) => {
      peers.push(peer)
      diary.note(`peer ${peer.transport} ${peer.remote}`)
      return {
        onBody: (body) => peer.send(body),
        onClose: (fault) => diary.note(`gone ${fault}`),
      }
    },
    onRefused: (fault, address) => diary.note(`refused ${fault} ${address}`),
  })
  assert.ok(verdict.ok, JSON.stringify(verdict))
  const { listeners } = verdict
  t.after(() => listeners.close())
  const tcp = `tcp://${HOST}:${listeners.tcpPort}`
  return { listeners, diary, peers, tcp, ws: `ws://${HOST}:${listeners.wsPort}/tves` }
}

/** Both run the same link code: what holds for one holds for the other. */
const WAYS = {
  'in this thread': (...[address, handlers, idleMs]: Opening) =>
    openLink(address, handlers, { clock, random: () => 0.01, idleMs }),
  'in its own thread': (...[address, handlers, idleMs]: Opening) =>
    openLinkThread(address, handlers, { idleMs }),
} as const
type Opening = [address: LinkAddress, handlers: LinkHandlers, idleMs: number]
type Way = keyof typeof WAYS
const BOTH_WAYS: readonly Way[] = ['in this thread', 'in its own thread']

interface SlaveEnd {
  readonly link: ReturnType<(typeof WAYS)[Way]>
  readonly diary: Diary
}

function slave(t: TestContext, way: Way, url: string, idleMs = 60_000): SlaveEnd {
  const address = parseLinkAddress(url)
  assert.ok(address !== null)
  const diary = new Diary()
  const handlers: LinkHandlers = {
    onUp: () => diary.note('up'),
    onDown: (fault) => diary.note(`down ${fault}`),
    onUnreachable: () => diary.note('unreachable'),
    onBody: (body) => diary.note(body.length > 50 ? `${body.length} bytes` : toText(body)),
    onSent: (made) => diary.note(`sent ${made}`),
  }
  const link = WAYS[way](address, handlers, idleMs)
  t.after(async () => link.close())
  return { link, diary }
}

async function rawTcp(t: TestContext, { listeners }: Master): Promise<Socket> {
  const socket = connect(listeners.tcpPort ?? 0, HOST)
  socket.on('error', () => undefined)
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

async function rawWs(t: TestContext, { ws }: Master): Promise<WebSocket> {
  const socket = new WebSocket(ws, { perMessageDeflate: false, autoPong: false })
  socket.on('error', () => undefined)
  t.after(() => socket.terminate())
  await once(socket, 'open')
  return socket
}

const kinds = BOTH_WAYS.flatMap((way) => [
  { way, kind: 'tcp' } as const,
  { way, kind: 'ws' } as const,
])
for (const { way, kind } of kinds) {
  test(`${kind} ${way}: bodies of 1 to 65,535 bytes, both ways, in order (wire.md 2)`, async (t) => {
    const { [kind]: url, diary: seen } = await master(t)
    const { link, diary } = slave(t, way, url)
    await diary.until('up')
    assert.equal(link.send(fromText('a')), true)
    assert.equal(link.send(new Uint8Array(BODY_BYTES_MAX)), true)
    assert.equal(link.send(fromText('z')), true)
    await diary.until('z')
    assert.deepEqual(diary.lines, ['up', 'a', `${BODY_BYTES_MAX} bytes`, 'z'])
    await link.close()
    await seen.until('gone null')
  })

  test(`${kind} ${way}: when the master restarts, the slave reconnects by itself`, async (t) => {
    const first = await master(t)
    const { link, diary } = slave(t, way, first[kind])
    await diary.until('up')
    await first.listeners.close()
    await diary.until('down null')
    assert.equal(link.send(fromText('lost')), false)
    await diary.until('unreachable')
    const { tcpPort, wsPort } = first.listeners
    await master(t, {}, { tcp: tcpPort ?? 0, ws: wsPort ?? 0 })
    await diary.until('up', 2)
    assert.equal(link.send(fromText('again')), true)
    await diary.until('again')
  })

  test(`${kind} ${way}: WIR-06 ends a silent link, at both ends`, async (t) => {
    const { [kind]: url, diary: seen } = await master(t, { idleMs: 40 })
    const { diary } = slave(t, way, url, 60_000)
    await diary.until('up')
    await seen.until('gone WIR-06')
    await diary.until('down null')
  })

  test(`${kind} ${way}: close first sends what waits, such as a refusal in clear`, async (t) => {
    const { [kind]: url, peers } = await master(t)
    const { diary } = slave(t, way, url)
    await diary.until('up')
    peers[0]?.send(fromText('SEC-07'))
    peers[0]?.close()
    await diary.until('down null')
    assert.deepEqual(diary.lines.slice(0, 3), ['up', 'SEC-07', 'down null'])
  })
}

test('a link left without a fault is reopened at once: no wait is drawn', async (t) => {
  const { tcp, diary: seen } = await master(t)
  const address = parseLinkAddress(tcp)
  assert.ok(address !== null)
  const diary = new Diary()
  let drawn = 0
  const random = () => {
    drawn += 1
    return 0
  }
  const handlers = {
    onUp: () => diary.note('up'),
    onDown: (fault: string | null) => diary.note(`down ${fault}`),
    onUnreachable: () => diary.note('unreachable'),
    onBody: () => undefined,
    onSent: () => undefined,
  }
  const link = openLink(address, handlers, { clock, random })
  t.after(async () => link.close())
  await diary.until('up')
  link.drop(null, 'for a new epoch')
  await diary.until('up', 2)
  await seen.until('gone null')
  assert.deepEqual(diary.lines, ['up', 'down null', 'up'])
  assert.equal(drawn, 0)
  link.drop('SEC-11', 'forged')
  await diary.until('up', 3)
  assert.equal(drawn, 1)
})

for (const way of BOTH_WAYS) {
  test(`WIR-06 at the slave ${way}: a master that is connected and says nothing (half-open)`, async (t) => {
    const sockets: Socket[] = []
    const mute = createServer((socket) => sockets.push(socket)).listen(0, HOST)
    t.after(() => {
      for (const socket of sockets) socket.destroy()
      mute.close()
    })
    await once(mute, 'listening')
    const address = mute.address()
    assert.ok(typeof address === 'object' && address !== null)
    const { diary } = slave(t, way, `tcp://${HOST}:${address.port}`, 30)
    await diary.until('down WIR-06', 2)
  })

  test(`WIR-08 at the slave ${way}: a master that does not read`, async (t) => {
    const sockets: Socket[] = []
    const deaf = createServer({ pauseOnConnect: true }, (socket) => sockets.push(socket))
    deaf.listen(0, HOST)
    t.after(() => {
      for (const socket of sockets) socket.destroy()
      deaf.close()
    })
    await once(deaf, 'listening')
    const address = deaf.address()
    assert.ok(typeof address === 'object' && address !== null)
    const { link, diary } = slave(t, way, `tcp://${HOST}:${address.port}`)
    await diary.until('up')
    let sent = 0
    while (link.send(new Uint8Array(BODY_BYTES_MAX)) && sent < 1_000) sent += 1
    await diary.until('down WIR-08')
    assert.ok(sent > 30 && sent < 1_000, `${sent} bodies`)
  })
}

test('WIR-08 at the master: a peer that does not read, and pings without reading', async (t) => {
  const here = await master(t, { waitingBytesMax: 100_000 })
  const socket = await rawTcp(t, here)
  socket.pause()
  const body = lengthPrefixed(new Uint8Array(BODY_BYTES_MAX))
  const flood = setInterval(() => socket.write(body), 1)
  t.after(() => clearInterval(flood))
  await here.diary.until('gone WIR-08')
  clearInterval(flood)
  const pinger = await rawWs(t, here)
  pinger.pause()
  const pings = setInterval(() => {
    for (let n = 0; n < 1_000; n += 1) pinger.ping(new Uint8Array(125), true, () => undefined)
  }, 1)
  t.after(() => clearInterval(pings))
  await here.diary.until('gone WIR-08', 2)
})

test('WIR-03: a length of zero, and a stream that ends inside a message', async (t) => {
  const here = await master(t)
  const zero = await rawTcp(t, here)
  zero.write(Uint8Array.of(0, 0))
  await here.diary.until('gone WIR-03')
  await once(zero, 'close')
  const cut = await rawTcp(t, here)
  cut.end(Uint8Array.of(0xff, 0xff, 1, 2, 3))
  await here.diary.until('gone WIR-03', 2)
  // Half a body that is left behind by a link that we closed was counted for its own reason.
  const closed = await rawTcp(t, here)
  closed.write(Uint8Array.of(0xff, 0xff, 1, 2, 3))
  await here.diary.until(`peer tcp ${HOST}`, 3)
  here.peers[2]?.close()
  closed.end()
  await here.diary.until('gone null')
})

test('WebSocket: text WIR-04, above 65,535 bytes WIR-02, empty WIR-03 (wire.md 2)', async (t) => {
  const here = await master(t)
  const text = await rawWs(t, here)
  text.send('hello')
  await here.diary.until('gone WIR-04')
  const long = await rawWs(t, here)
  long.send(new Uint8Array(BODY_BYTES_MAX + 1))
  // The library ends it before we could send a refusal in clear (wire.md 2.1).
  assert.deepEqual(await once(long, 'close').then(([code]) => code), 1009)
  await here.diary.until('gone WIR-02')
  const fragments = await rawWs(t, here)
  fragments.send(new Uint8Array(40_000), { fin: false })
  fragments.send(new Uint8Array(40_001), { fin: true })
  assert.deepEqual(await once(fragments, 'close').then(([code]) => code), 1009)
  await here.diary.until('gone WIR-02', 2)
  const empty = await rawWs(t, here)
  empty.send(new Uint8Array(0))
  await here.diary.until('gone WIR-03')
})

test('another path or plain HTTP opens nothing, and no subprotocol is agreed to', async (t) => {
  const here = await master(t)
  const offering = new WebSocket(here.ws, ['mqtt', 'chat'])
  const [refused] = await once(offering, 'error')
  assert.match(String(refused), /no subprotocol/)
  const other = new WebSocket(here.ws.replace('/tves', '/other'))
  const [refusal] = await once(other, 'error')
  assert.match(String(refusal), /404/)
  const plain = await fetch(here.ws.replace('ws:', 'http:'))
  assert.equal(plain.status, 426)
  await plain.body?.cancel()
  assert.equal(here.peers.length, 1)
})

test('WIR-05 per address and in total, over both doors; leaving makes room', async (t) => {
  for (const limits of [{ perAddress: 2 }, { connections: 2 }]) {
    const here = await master(t, limits)
    const first = await rawTcp(t, here)
    await rawWs(t, here)
    await here.diary.until(`peer ws ${HOST}`)
    const third = await rawTcp(t, here)
    await here.diary.until(`refused WIR-05 ${HOST}`)
    await once(third, 'close')
    assert.equal(here.listeners.connections(), 2)
    first.destroy()
    await here.diary.until('gone null')
    while (here.listeners.connections() > 1) await new Promise(setImmediate)
    await rawTcp(t, here)
    await here.diary.until(`peer tcp ${HOST}`, 2)
  }
})

test('WIR-10: silent connections give way to their neighbour, over both doors', async (t) => {
  const here = await master(t, { perAddress: 2 })
  const silent = await rawTcp(t, here)
  const unasked = connect(here.listeners.wsPort ?? 0, HOST)
  await once(unasked, 'connect')
  await wait(1_050)
  const cut = [once(silent, 'close'), once(unasked, 'close')]
  await rawTcp(t, here)
  await here.diary.until(`refused WIR-10 ${HOST}`)
  await rawWs(t, here)
  await here.diary.until(`refused WIR-10 ${HOST}`, 2)
  await Promise.all(cut)
  await here.diary.until(`peer ws ${HOST}`)
  for (const peer of here.peers) peer.settle()
  await rawTcp(t, here)
  await here.diary.until(`peer tcp ${HOST}`, 3)
})

test('WIR-02 before the session: 2,049 bytes by their length, or as they come; 2,048 pass', async (t) => {
  const here = await master(t, { firstBodyBytesMax: GREETING_BYTES_MAX })
  const claim = await rawTcp(t, here)
  claim.write(Uint8Array.of(8, 1))
  await here.diary.until('gone WIR-02')
  const long = await rawWs(t, here)
  long.send(new Uint8Array(GREETING_BYTES_MAX + 1))
  await here.diary.until('gone WIR-02', 2)
  // A message that never ends: the library would keep 64 KiB of it.
  const endless = await rawWs(t, here)
  for (let part = 0; part < 20; part += 1) endless.send(new Uint8Array(200), { fin: false })
  await here.diary.until('gone WIR-02', 3)
  const right = [await rawTcp(t, here), await rawWs(t, here)] as const
  right[0].write(lengthPrefixed(new Uint8Array(GREETING_BYTES_MAX)))
  right[1].send(new Uint8Array(GREETING_BYTES_MAX))
  await Promise.all([once(right[0], 'data'), once(right[1], 'message')])
  for (const peer of here.peers.slice(-2)) peer.widen(BODY_BYTES_MAX)
  right[0].write(lengthPrefixed(new Uint8Array(BODY_BYTES_MAX)))
  right[1].send(new Uint8Array(BODY_BYTES_MAX))
  await Promise.all([once(right[0], 'data'), once(right[1], 'message')])
})

test('OPS-03 when a port is taken, and nothing stays open', async (t) => {
  const here = await master(t)
  const port = here.listeners.wsPort ?? 0
  const verdict = await listen({
    tcp: { host: HOST, port: 0 },
    ws: { host: HOST, port, path: '/' },
    limits: LIMITS,
    clock,
    onPeer: () => ({ onBody: () => undefined, onClose: () => undefined }),
    onRefused: () => undefined,
  })
  assert.equal(!verdict.ok && verdict.fault, 'OPS-03')
})

test('the wait doubles to a minute at most and is spread over all of it (full jitter)', () => {
  const bounds = [0, 1, 2, 6, 7, 1_000].map((attempt) => backOffMs(attempt, () => 0.999_999_999))
  assert.deepEqual(bounds.map(Math.round), [500, 1_000, 2_000, 32_000, 60_000, 60_000])
  assert.equal(
    backOffMs(5, () => 0),
    0,
  )
})
