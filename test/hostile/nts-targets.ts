// What a time server, or an attacker on the path, may send to an NTS client.

import assert from 'node:assert/strict'
import { fromText } from '../../shared/bytes.ts'
import { readPacket } from '../../shared/clock/ntp/packet.ts'
import { COOKIES_MAX, decodeKeAnswer, isCookie } from '../../shared/clock/nts/records.ts'
import { openAnswer, startNts } from '../../shared/clock/nts/session.ts'
import {
  answerTo,
  cookieRecord,
  grantOf,
  nakTo,
  records,
  TO_CLIENT,
  TO_SERVER,
} from '../fixtures/nts-server.ts'
import type { Target } from './mutation.ts'

const establishment: Target = {
  name: 'NTS key establishment',
  seeds: [
    grantOf(),
    grantOf([6, fromText('ntp.example')], [7, Uint8Array.of(16, 146)], cookieRecord(9, 12)),
    records([0x8002, Uint8Array.of(0, 1)]),
  ],
  feed: (input) => {
    const verdict = decodeKeAnswer(input)
    if (verdict.is !== 'granted') return false
    const { cookies, server, port } = verdict.grant
    assert.ok(cookies.length >= 1 && cookies.length <= COOKIES_MAX && cookies.every(isCookie))
    assert.ok(server === null || /^[\w.:-]{1,253}$/.test(server))
    assert.ok(port === null || (port >= 1 && port <= 65_535))
    return true
  },
}

const unique = new Uint8Array(32).fill(3)
const session = {
  ...startNts({ toServer: TO_SERVER, toClient: TO_CLIENT, cookies: [new Uint8Array(100)] }),
  open: unique,
}
const genuine = answerTo({ unique, cookies: [new Uint8Array(100).fill(4)] })
const header = Buffer.from(genuine.subarray(0, 48))
const sealed = Buffer.from(genuine.subarray(84))

/** Only what is whole up to its seal is taken; a NAK, which nothing protects, asks for new keys. */
const answers: Target = {
  name: 'NTS answer',
  seeds: [genuine, nakTo(unique)],
  feed: (input) => {
    const read = readPacket(input)
    if (!read.ok) return false
    const opened = openAnswer(session, input, read.packet)
    if (opened.verdict === 'CLK-14') assert.equal(opened.session, session)
    if (opened.verdict === 'authentic') {
      assert.deepEqual(Buffer.from(input.subarray(0, 48)), header)
      assert.ok(Buffer.from(input).includes(sealed.subarray(8, 40)), 'the seal is the server’s')
      assert.ok(opened.session.cookies.length <= COOKIES_MAX)
    }
    return opened.verdict === 'authentic'
  },
}

export const NTS_TARGETS: readonly Target[] = [establishment, answers]
