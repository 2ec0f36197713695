// What an attacker on the network between slave and master can do: record, replay, repeat, flip
// bits. Real processes, real sockets, a real database.

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, test, type TestContext } from 'node:test'
import { serveSemBus } from '../../services/simulator/sem-bus.ts'
import { type SimulatedMeter, simulatedMeter } from '../../services/simulator/simulated-meter.ts'
import { toHex } from '../../shared/bytes.ts'
import { unixMs } from '../../shared/units.ts'
import { isFrame } from '../../shared/wire/frame.ts'
import { CONTROL_BYTE, SESSION_BYTE } from '../../shared/wire/message.ts'
import { lengthPrefixed } from '../../shared/wire/transport.ts'
import { checkReadings, intervalEnds, untilFilled } from './profile-check.ts'
import { flipBit, type TappedLine, tapLine } from '../../services/adversary/line.ts'
import { semToml, type Slave, until, WholeWay } from './whole-way.ts'

const METERS = 4
const HISTORY_DAYS = 30
const DAY_MS = 86_400_000
const FLIPS = 20
/** Frames of a live link that are repeated or held back. */
const TAMPERED = 150
/** Which control message is damaged, in each direction; its multiples too until one was refused.
 * The first may never be read, since the link may end for something else before it. */
const FLIPPED_CONTROL = { 'to-slave': 12, 'to-master': 5 }

let way: WholeWay
before(async () => {
  way = await WholeWay.open()
})
after(() => way.close())

interface Scene {
  readonly slave: Slave
  readonly tap: TappedLine
  readonly meters: readonly SimulatedMeter[]
  readonly ends: readonly number[]
  /** Waits until exactly what the back-fill owes is stored. */
  whole(): Promise<void>
}

/** A slave behind a tapped line, not yet started. */
async function scene(t: TestContext, name: string): Promise<Scene> {
  const from = unixMs(Math.floor(Date.now() / DAY_MS - HISTORY_DAYS) * DAY_MS)
  const meters = Array.from({ length: METERS }, (_, seed) =>
    simulatedMeter(`${name}-${seed}`, seed),
  )
  const bus = await serveSemBus({ meters, now: () => unixMs(Date.now()) })
  const tap = await tapLine(() => way.ports.tcp)
  const token = await way.register(name, from)
  const slave = way.slave(name, token.device)
  slave.configure(
    semToml({
      master: tap.url,
      token: token.text,
      line: bus.url,
      meters: meters.map(({ number }) => number),
      everySeconds: 1,
    }),
  )
  t.after(async () => {
    await slave.end()
    await tap.close()
    await bus.close()
  })
  await way.noticed()
  const ends = intervalEnds(from, Date.now())
  const whole = async (): Promise<void> => {
    await untilFilled(way, meters, ends)
    await checkReadings(way, meters, ends)
  }
  return { slave, tap, meters, ends, whole }
}

/** Sends the bodies on a connection of its own; resolves when the master has ended it. */
function playAgain(bodies: readonly Uint8Array[]): Promise<void> {
  return new Promise((ended) => {
    const socket = connect(way.ports.tcp, '127.0.0.1')
    socket.on('error', () => socket.destroy())
    socket.on('close', () => ended())
    socket.resume()
    for (const body of bodies) socket.write(lengthPrefixed(body))
  })
}

async function refusals({ device }: Slave): Promise<Readonly<Record<string, number>>> {
  const rows = await way.rows<{ code: string; count: number }>(
    `select code, sum(count)::bigint as count from refusals where device_id = $1
     group by code order by code`,
    [device],
  )
  return Object.fromEntries(rows.map(({ code, count }) => [code, count]))
}

test('a recorded link replayed adds nothing and disturbs nobody (wire.md 4, 5)', async (t) => {
  const { slave, tap, whole } = await scene(t, 'R')
  slave.start()
  await whole()
  const connectedAt = 'select connected_at, disconnected_at from device_status where device_id = $1'
  const before = await until('it is on the fleet page', async () => {
    const rows = await way.rows(connectedAt, [slave.device])
    return rows.length === 1 ? rows : null
  })
  const [first] = tap.heard
  assert.ok(first !== undefined && tap.heard.length === 1, 'one connection was enough')
  const fromSession = first.slice(first.findIndex((body) => body[0] === SESSION_BYTE))
  const frames = first.filter(isFrame)
  assert.ok(frames.length > METERS)

  await playAgain(first)
  await until('SEC-07: the enrolment', async () => (await way.refused('SEC-07')) > 0)
  await playAgain(fromSession)
  await until('SEC-11: the first sealed message', async () => (await way.refused('SEC-11')) > 0)
  await playAgain(frames)
  await until('WIR-04: frames of nobody', async () => (await way.refused('WIR-04')) > 0)
  assert.deepEqual(await way.rows(connectedAt, [slave.device]), before, 'the link was not cut')

  await slave.end()
  const stored = await way.readings()
  for (const bodies of [first, fromSession, frames]) await playAgain(bodies)
  await until('all counted', async () => (await way.refused('WIR-04')) > 1)
  assert.equal(await way.readings(), stored)
  assert.equal(
    await way.count('select count(*) as count from exceptions where code <> $1', ['BIL-05']),
    0,
  )
})

// At once: each has a slave of its own, and mostly waits.
void describe('a live link tampered with', { concurrency: true }, () => {
  test('frames repeated and held back within a live link are stored once (wire.md 9)', async (t) => {
    const { slave, tap, whole } = await scene(t, 'D')
    let frames = 0
    let held: Uint8Array[] = []
    tap.tamper = (body, direction) => {
      if (direction === 'to-slave' || !isFrame(body)) return [body]
      frames += 1
      // A window that is sent again may meet the same gap time after time: then the line is honest.
      if (frames > TAMPERED) return [body]
      if (frames % 9 === 0) {
        held = [body]
        return []
      }
      const late = held
      held = []
      return frames % 2 === 0 ? [body, body, ...late] : [body, ...late]
    }
    slave.start()
    await until('enough frames', () => frames > 60)
    await whole()
    await until('a repeat is SEC-05', async () => (await way.refused('SEC-05', slave.device)) > 0)
    await until('a gap is SEC-06', async () => (await way.refused('SEC-06', slave.device)) > 0)
    assert.doesNotMatch(slave.log(), /SEC-FORK/)
  })

  test('flipped bits are refused by name, and everything arrives afterwards (wire.md 5, 9)', async (t) => {
    const { slave, tap, whole } = await scene(t, 'F')
    const flipped = new Set<string>()
    const total = { frames: 0, flips: 0, 'to-slave': 0, 'to-master': 0 }
    const refused = { 'to-slave': false, 'to-master': false }
    const controlRefused = async (): Promise<boolean> => {
      refused['to-slave'] ||= slave.log().includes('SEC-11')
      refused['to-master'] ||= (await way.refused('SEC-11', slave.device)) > 0
      return refused['to-slave'] && refused['to-master']
    }
    tap.tamper = (body, direction) => {
      if (body[0] === CONTROL_BYTE) {
        total[direction] += 1
        // Each of these ends the link, whichever side receives it.
        const flips = !refused[direction] && total[direction] % FLIPPED_CONTROL[direction] === 0
        return flips ? [flipBit(body, 77)] : [body]
      }
      if (direction === 'to-slave' || !isFrame(body)) return [body]
      total.frames += 1
      const name = toHex(body)
      if (total.frames % 5 !== 0 || flipped.has(name) || flipped.size >= FLIPS) return [body]
      flipped.add(name)
      total.flips += 1
      // Anywhere after the first byte: header, salt, ciphertext or tag.
      return [flipBit(body, 8 + ((total.flips * 7_919) % (body.length * 8 - 8)))]
    }
    slave.start()
    await until('a damaged control message', controlRefused)
    await until('enough flips', () => total.flips >= FLIPS)
    await until('frames after them', () => total.frames > 6 * FLIPS)
    await whole()
    await until('a damaged frame', async () => (await way.refused('SEC-03', slave.device)) > 0)
    const found = Object.entries(await refusals(slave))
    t.diagnostic(`${JSON.stringify(total)} ${JSON.stringify(found)}`)
    const codes = found.map(([code]) => code)
    const known = ['SEC-02', 'SEC-03', 'SEC-04', 'SEC-05', 'SEC-06', 'SEC-11', 'SEC-12', 'WIR-03']
    assert.deepEqual(
      codes.filter((code) => !known.includes(code)),
      [],
    )
  })
})
