// Who is answered, and as what: our NTP server beside chronyd, asked the same questions of every
// version and mode.

import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { serveNtp } from '../../services/master/shell/time/ntp-socket.ts'
import { UNSYNCHRONISED } from '../../shared/clock/ntp/server.ts'
import { monoUs, unixUs } from '../../shared/units.ts'
import { freePorts } from './ports.ts'
import { ready, serverLines, startChronyd } from './time-programs.ts'

const HOST = '127.0.0.1'
/** How long the answers are waited for, and then for one too many. */
const PATIENCE_MS = 5_000
const MORE_MS = 200
/** chronyd answers mode 1 and mode 3 of four versions, and version 1 without a mode. */
const ANSWERED = 9

/** A question; its transmit stamp says which one it is. */
function question(version: number, mode: number, length = 48): Uint8Array {
  const bytes = new Uint8Array(length)
  bytes[0] = version * 8 + mode
  bytes[2] = 6
  bytes.set([0xea, version, mode, length], 40)
  return bytes
}

/** What a server answers to each question: version, mode, length, and whether it repeats the stamp;
 * or silence. All are asked from one socket, as long as the last takes. */
async function answers(port: number, questions: readonly Uint8Array[]): Promise<string[]> {
  const heard = new Map<string, string>()
  const socket = createSocket('udp4')
  socket.on('message', (answer) => {
    const [first = 0] = answer
    const said = `version ${(first >> 3) & 7}, mode ${first & 7}, ${answer.length} bytes`
    heard.set(answer.subarray(24, 32).toString('hex'), said)
  })
  await new Promise<void>((done) => socket.bind(0, HOST, () => done()))
  for (const sent of questions) socket.send(sent, port, HOST)
  for (let ms = 0; heard.size < ANSWERED && ms < PATIENCE_MS; ms += 20) await sleep(20)
  await sleep(MORE_MS)
  socket.close()
  return questions.map(
    (sent) => heard.get(Buffer.from(sent.subarray(40, 48)).toString('hex')) ?? '',
  )
}

test('each version and mode is answered as chronyd answers it, or not at all', async (t) => {
  if (!ready(t, 'chronyd')) return
  const [port = 0] = await freePorts(1)
  const chronyd = await startChronyd({ lines: serverLines(port) })
  t.after(() => chronyd.stop())
  const verdict = await serveNtp({
    host: HOST,
    port: 0,
    mono: () => monoUs(Math.round(performance.now() * 1_000)),
    timeAt: () => unixUs(Date.now() * 1_000),
    served: () => UNSYNCHRONISED,
  })
  assert.ok(verdict.ok)
  t.after(() => verdict.server.close())
  const numbers = [0, 1, 2, 3, 4, 5, 6, 7]
  const questions = numbers.flatMap((version) => numbers.map((mode) => question(version, mode)))
  const [ours, theirs] = [
    await answers(verdict.server.port, questions),
    await answers(port, questions),
  ]
  const table = (said: readonly string[]): string[] =>
    said.map((text, at) => `version ${at >> 3}, mode ${at & 7}: ${text === '' ? 'silence' : text}`)
  assert.deepEqual(table(ours), table(theirs))
  assert.equal(theirs.filter((text) => text !== '').length, ANSWERED)
})
