// Callers that must not be let in: bytes that are not TVES, stolen tokens, a revoked device. Each
// is refused with the right code, and the master goes on serving.

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, test, type TestContext } from 'node:test'
import { WebSocket } from 'ws'
import { serveSemBus } from '../../services/simulator/sem-bus.ts'
import { simulatedMeter } from '../../services/simulator/simulated-meter.ts'
import { concat, fromText, toText } from '../../shared/bytes.ts'
import type { FaultCode } from '../../shared/faults.ts'
import { nodeRandom, nodeSuite } from '../../shared/node/node-suite.ts'
import { Secret } from '../../shared/secret.ts'
import { decodeToken, encodeToken, fingerprint } from '../../shared/tves/token.ts'
import { unixMs } from '../../shared/units.ts'
import { BODY_BYTES_MAX, GREETING_BYTES_MAX } from '../../shared/wire/limits.ts'
import { REFUSAL_BYTE } from '../../shared/wire/message.ts'
import { lengthPrefixed } from '../../shared/wire/transport.ts'
import { Process, semToml, type Slave, until, WholeWay } from './whole-way.ts'

let way: WholeWay
before(async () => {
  way = await WholeWay.open()
})
after(() => way.close())

/** A slave with one meter, not yet started. */
async function slaveWith(t: TestContext, name: string, device: string, token: string) {
  const meter = simulatedMeter(`${name}-1`, 1)
  const bus = await serveSemBus({ meters: [meter], now: () => unixMs(Date.now()) })
  const slave = way.slave(name, device)
  slave.configure(
    semToml({
      master: `tcp://127.0.0.1:${way.ports.tcp}`,
      token,
      line: bus.url,
      meters: [meter.number],
      everySeconds: 1,
    }),
  )
  t.after(async () => {
    await slave.end()
    await bus.close()
  })
  return slave
}

const readingsOf = (slave: Slave): Promise<number> =>
  way.count(
    `select count(*) as count from readings join meters on meters.id = meter_id
     where device_id = $1`,
    [slave.device],
  )

async function goesOn(slave: Slave): Promise<void> {
  const now = await readingsOf(slave)
  await until(`${slave.name} is still read`, async () => (await readingsOf(slave)) > now)
}

/** Everything the master answers until it ends the connection. `half`: our side ends first. */
function overTcp(bytes: Uint8Array, half = false): Promise<Uint8Array> {
  return new Promise((ended) => {
    const answers: Uint8Array[] = []
    const socket = connect({ port: way.ports.tcp, host: '127.0.0.1' })
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk: Buffer) => answers.push(chunk))
    socket.on('close', () => ended(concat(...answers)))
    if (half) socket.end(bytes)
    else socket.write(bytes)
  })
}

function overWebSocket(message: Uint8Array | string): Promise<void> {
  return new Promise((ended) => {
    const socket = new WebSocket(`ws://127.0.0.1:${way.ports.ws}/`)
    socket.on('open', () => socket.send(message))
    socket.on('error', () => socket.terminate())
    socket.on('close', () => ended())
  })
}

const body = (...head: number[]): Uint8Array =>
  lengthPrefixed(concat(Uint8Array.from(head), nodeRandom(120)))

/** Each caller, its verdict, and what it sends by TCP. */
const CALLERS: readonly (readonly [string, FaultCode, Uint8Array])[] = [
  ['a message of length zero', 'WIR-03', Uint8Array.of(0, 0)],
  ['version 2', 'WIR-01', body(0x22)],
  ['an unknown type', 'WIR-04', body(0x19)],
  ['a frame before any handshake', 'WIR-04', body(0x13)],
  ['a compact frame before any handshake', 'WIR-04', body(0x14)],
  ['a sealed message before any handshake', 'WIR-04', body(0x15)],
  ['suite 7', 'WIR-01', body(0x12, 1, 7)],
  ['a handshake of random bytes', 'SEC-09', body(0x12, 1, 0)],
  ['a token nobody issued', 'SEC-07', body(0x11, 1)],
  ['the longest first message, of random bytes', 'SEC-09', first(GREETING_BYTES_MAX)],
  ['a longer first message', 'WIR-02', first(GREETING_BYTES_MAX + 1)],
  ['the longest message', 'WIR-02', first(BODY_BYTES_MAX)],
]

function first(length: number): Uint8Array {
  const head = Uint8Array.of(0x12, 1, 0)
  return lengthPrefixed(concat(head, nodeRandom(length - head.length)))
}

async function countedRefusals(): Promise<ReadonlyMap<string, number>> {
  const rows = await way.rows<{ code: string; count: number }>(
    "select code, sum(count)::bigint as count from refusals where device_id = '' group by code",
  )
  return new Map(rows.map(({ code, count }) => [code, count]))
}

test('hostile bytes end in a named refusal each, and slaves are served on (wire.md 2)', async (t) => {
  const token = await way.register('good', null)
  await way.noticed()
  const slave = await slaveWith(t, 'good', token.device, token.text)
  slave.start()
  await goesOn(slave)
  const before = await countedRefusals()
  const expected = new Map<string, number>()
  const expect = (code: FaultCode): void => {
    expected.set(code, (expected.get(code) ?? 0) + 1)
  }
  for (const [who, code, bytes] of CALLERS) {
    const answer = await overTcp(bytes)
    expect(code)
    if (answer.length === 0) continue
    assert.equal(answer[2], REFUSAL_BYTE, who)
    assert.equal(toText(answer.subarray(3)), code, who)
  }
  await overTcp(body(0x12, 1, 0).subarray(0, 60), true)
  expect('WIR-03')
  await overTcp(fromText('GET / HTTP/1.1\r\nhost: master\r\n\r\n'), true)
  expect('WIR-02')
  await overWebSocket('{"hello":"master"}')
  expect('WIR-04')
  for (const length of [BODY_BYTES_MAX + 1, GREETING_BYTES_MAX + 1]) {
    await overWebSocket(nodeRandom(length))
    expect('WIR-02')
  }
  await overWebSocket(new Uint8Array(0))
  expect('WIR-03')
  const more = async (): Promise<Map<string, number>> => {
    const now = await countedRefusals()
    const pairs = [...now].map(([code, count]) => [code, count - (before.get(code) ?? 0)] as const)
    return new Map(pairs.filter(([, count]) => count > 0))
  }
  const byCode = (a: readonly [string, number], b: readonly [string, number]): number =>
    a[0].localeCompare(b[0])
  const sum = (counts: ReadonlyMap<string, number>): number =>
    [...counts.values()].reduce((total, count) => total + count, 0)
  await until('all are counted', async () => sum(await more()) >= sum(expected))
  assert.deepEqual([...(await more())].sort(byCode), [...expected].sort(byCode))
  await goesOn(slave)
})

// At once: each has a device of its own, and mostly waits.
void describe('tokens and revocation', { concurrency: true }, () => {
  test('a token with another secret is SEC-07, one already used SEC-08 (wire.md 3)', async (t) => {
    const token = await way.register('owner', null)
    await way.noticed()
    const decoded = decodeToken(token.text)
    assert.ok(decoded !== null)
    const guessed = encodeToken({ ...decoded, secret: new Secret(nodeRandom(16)) })
    const guesser = await slaveWith(t, 'guesser', token.device, guessed)
    guesser.start()
    await until('SEC-07 at the guesser', () => guesser.log().includes('SEC-07'))
    await guesser.end()

    const owner = await slaveWith(t, 'owner', token.device, token.text)
    owner.start()
    await goesOn(owner)
    const thief = await slaveWith(t, 'thief', token.device, token.text)
    thief.start()
    await until('SEC-08 at the thief', () => thief.log().includes('SEC-08'))
    await until('SEC-08 counted', async () => (await way.refused('SEC-08')) > 0)
    assert.ok((await way.refused('SEC-07')) > 0)
    await goesOn(owner)
  })

  test('a master with another key than the token says is SEC-10, and learns nothing (wire.md 3)', async (t) => {
    const token = await way.register('careful', null)
    await way.noticed()
    const decoded = decodeToken(token.text)
    assert.ok(decoded !== null)
    const other = fingerprint(nodeSuite, nodeSuite.publicKey(nodeRandom(32)))
    const slave = await slaveWith(
      t,
      'careful',
      token.device,
      encodeToken({ ...decoded, fingerprint: other }),
    )
    slave.start()
    await until('SEC-10', () => slave.log().includes('SEC-10'))
    await slave.end()
    const [device] = await way.rows('select static_key, psk from devices where id = $1', [
      token.device,
    ])
    assert.deepEqual(device, { static_key: null, psk: null })
  })

  test('ticklock revoke cuts the link at once, and it stays cut: SEC-14 (threat-model.md)', async (t) => {
    const token = await way.register('lost', null)
    await way.noticed()
    const slave = await slaveWith(t, 'lost', token.device, token.text)
    slave.start()
    await goesOn(slave)
    const { code, output } = await new Process(['revoke', 'lost'], way.env).ended
    assert.equal(code, 0, output)
    const cut = await until('the link is cut', async () => {
      const [row] = await way.rows<{ ms: number }>(
        `select (extract(epoch from disconnected_at - revoked_at) * 1000)::float8 as ms
       from device_status join devices on devices.id = device_id
       where device_id = $1 and disconnected_at is not null`,
        [token.device],
      )
      return row ?? null
    })
    t.diagnostic(`cut ${Math.round(cut.ms)} ms after the revocation`)
    const stored = await readingsOf(slave)
    await until('SEC-14 at the slave', () => slave.log().includes('SEC-14'))
    await until('SEC-14 counted', async () => (await way.refused('SEC-14')) > 0)
    assert.equal(await readingsOf(slave), stored)

    const again = await way.token(token.device)
    await way.noticed()
    await slave.end()
    const old = slave.log().length
    slave.start()
    await until('the old key stays out', () => /SEC-(01|14)/.test(slave.log().slice(old)))
    assert.equal(await readingsOf(slave), stored)
    const fresh = await slaveWith(t, 'found', again.device, again.text)
    fresh.start()
    await until('a new slave is let in by the new token', async () => {
      const [row] = await way.rows<{ enrolled: boolean }>(
        'select static_key is not null as enrolled from devices where id = $1',
        [again.device],
      )
      return row?.enrolled ?? false
    })
  })
})
