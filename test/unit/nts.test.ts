import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concat, fromHex, fromText, toHex } from '../../shared/bytes.ts'
import { readPacket, writeFields } from '../../shared/clock/ntp/packet.ts'
import { FIELD, openAuthenticator, sealAuthenticator } from '../../shared/clock/nts/fields.ts'
import {
  COOKIES_MAX,
  decodeKeAnswer,
  encodeKeRequest,
  KE_BYTES_MAX,
} from '../../shared/clock/nts/records.ts'
import { type NtsSession, openAnswer, protect, startNts } from '../../shared/clock/nts/session.ts'
import { nodeRandom } from '../../shared/node/node-suite.ts'
import {
  AEAD,
  ANSWER_HEADER,
  answerTo,
  cookieRecord,
  END,
  grantOf,
  nakTo,
  NEXT,
  readRequest,
  records,
  TO_CLIENT,
  TO_SERVER,
} from './nts-server.ts'
import { aessiv } from '@noble/ciphers/aes.js'

const CRITICAL = 0x8000
/** Longest datagram that no IPv6 network divides, less the heads of IPv6 and UDP. */
const DATAGRAM_BYTES = 1_280 - 40 - 8

const bytes = (hex: string): Uint8Array => {
  const read = fromHex(hex.replace(/\s/g, ''))
  assert.ok(read !== null)
  return read
}
const cookie = (n: number): Uint8Array => new Uint8Array(100).fill(n)
const header = new Uint8Array(48).fill(0x23)

const sessionWith = (count: number): NtsSession =>
  startNts({
    toServer: TO_SERVER,
    toClient: TO_CLIENT,
    cookies: Array.from({ length: count }, (_, n) => cookie(n + 1)),
  })

function asking(session: NtsSession) {
  const sent = protect(session, header, nodeRandom)
  assert.ok(sent !== null)
  return { ...sent, asked: readRequest(sent.request) }
}

test('AES-SIV gives what RFC 5297 gives (appendix A.1 and A.2)', () => {
  const one = aessiv(
    bytes('fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0 f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff'),
    bytes('101112131415161718191a1b1c1d1e1f2021222324252627'),
  ).encrypt(bytes('112233445566778899aabbccddee'))
  assert.equal(toHex(one), '85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c')
  const two = aessiv(
    bytes('7f7e7d7c7b7a79787776757473727170 404142434445464748494a4b4c4d4e4f'),
    bytes('00112233445566778899aabbccddeeffdeaddadadeaddadaffeeddccbbaa99887766554433221100'),
    bytes('102030405060708090a0'),
    bytes('09f911029d74e35bd84156c5635688c0'),
  ).encrypt(fromText('this is some plaintext to encrypt using SIV-AES'))
  assert.equal(
    toHex(two),
    '7bdb6e3b432667eb06f4d14bff2fbd0fcb900f2fddbe404326601965c889bf17' +
      'dba77ceb094fa663b7a3f748ba8af829ea64ad544a272e9c485b62a3fd5c0d',
  )
})

test('an authenticator is the nonce and the SIV over packet, then nonce (RFC 8915 5.6)', () => {
  const key = new Uint8Array(32).fill(5)
  const nonce = new Uint8Array(16).fill(6)
  const body = sealAuthenticator(key, nonce, header, fromText('abc'))
  const sealed = aessiv(key, header, nonce).encrypt(fromText('abc'))
  assert.equal(toHex(body), `00100013${toHex(nonce)}${toHex(sealed)}00`)
  assert.deepEqual(openAuthenticator(key, header, body), fromText('abc'))
  const withoutNonce = concat(bytes('00000010'), aessiv(key, header).encrypt(new Uint8Array(0)))
  assert.equal(openAuthenticator(key, header, withoutNonce), null)
})

test('asks for NTPv4 under AEAD 15, critical, then ends (RFC 8915 4.1)', () => {
  assert.equal(toHex(encodeKeRequest()), '80010002000080040002000f80000000')
})

test('takes cookies, server and port of an answer, eight cookies at most (RFC 8915 4.1)', () => {
  const verdict = decodeKeAnswer(
    grantOf(cookieRecord(9), [6, fromText('ntp.example')], [7, bytes('1092')], [99, bytes('00')]),
  )
  assert.ok(verdict.is === 'granted')
  assert.equal(verdict.grant.cookies.length, COOKIES_MAX)
  assert.deepEqual(verdict.grant.cookies[0], cookie(1))
  assert.equal(verdict.grant.server, 'ntp.example')
  assert.equal(verdict.grant.port, 4_242)
  for (const server of ['192.0.2.1', '2001:db8::1', '::1', 'a-b.example.']) {
    const read = decodeKeAnswer(grantOf([CRITICAL | 6, fromText(server)]))
    assert.equal(read.is === 'granted' && read.grant.server, server)
  }
})

test('an answer is unfinished until its end record, and too long from 16 KiB on', () => {
  const whole = grantOf()
  for (let length = 0; length < whole.length; length += 1) {
    assert.deepEqual(decodeKeAnswer(whole.subarray(0, length)), { is: 'unfinished' })
  }
  const record = records([99, new Uint8Array(KE_BYTES_MAX - 4)])
  assert.deepEqual(decodeKeAnswer(record), { is: 'unfinished' })
  assert.equal(decodeKeAnswer(concat(record, Uint8Array.of(0))).is, 'refused')
})

const REFUSED: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ['an error', records([CRITICAL | 2, bytes('0001')], END), /error 1/],
  ['a warning', records(NEXT, AEAD, [CRITICAL | 3, bytes('0007')], END), /warning 7/],
  ['a second next protocol', records(NEXT, NEXT, AEAD, END), /not one next protocol/],
  ['another protocol', records([CRITICAL | 1, bytes('8000')], AEAD, cookieRecord(1), END), /NTPv4/],
  ['no protocol', records(AEAD, cookieRecord(1), END), /NTPv4/],
  ['another AEAD', records(NEXT, [CRITICAL | 4, bytes('001e')], cookieRecord(1), END), /SIV/],
  ['two AEADs', records(NEXT, [4, bytes('000f001e')], cookieRecord(1), END), /one AEAD/],
  ['no cookie', records(NEXT, AEAD, END), /no cookie/],
  ['a cookie no field carries', records(NEXT, AEAD, cookieRecord(1, 101), END), /101 bytes/],
  ['a cookie too long', records(NEXT, AEAD, cookieRecord(1, 516), END), /516 bytes/],
  ['an unknown critical record', grantOf([CRITICAL | 99, bytes('00')]), /critical record 99/],
  ['port 0', grantOf([7, bytes('0000')]), /port/],
  ['an end with a body', records(NEXT, AEAD, cookieRecord(1), [CRITICAL, bytes('00')]), /end/],
  ...['', 'a b', '-x', 'a/b', 'a\n', 'x'.repeat(254)].map(
    (name) =>
      [`server "${name.slice(0, 9)}"`, grantOf([6, fromText(name)]), /server name/] as const,
  ),
]

for (const [what, answer, why] of REFUSED) {
  test(`refuses an answer with ${what} (RFC 8915 4.1)`, () => {
    const verdict = decodeKeAnswer(answer)
    assert.ok(verdict.is === 'refused')
    assert.match(verdict.why, why)
  })
}

test('no cookie and no identifier is used twice, and the stock comes back to eight', () => {
  let session = sessionWith(COOKIES_MAX)
  const spent = new Set<string>()
  const named = new Set<string>()
  let lost = 0
  for (let poll = 0; poll < 60; poll += 1) {
    const sent = asking(session)
    session = sent.session
    spent.add(toHex(sent.asked.cookie))
    named.add(toHex(sent.asked.unique))
    assert.equal(sent.asked.placeholders, COOKIES_MAX - 1 - session.cookies.length)
    assert.ok(sent.request.length <= DATAGRAM_BYTES)
    // Up to six answers in a row are lost.
    if (poll % 10 < 6) {
      lost += 1
      continue
    }
    const fresh = Array.from({ length: sent.asked.placeholders + 1 }, () => nodeRandom(100))
    const opened = openAnswer(session, answerTo({ unique: sent.asked.unique, cookies: fresh }))
    assert.equal(opened.verdict.is, 'authentic')
    session = opened.session
    assert.equal(session.cookies.length, COOKIES_MAX)
  }
  assert.equal(lost, 36)
  assert.equal(spent.size, 60)
  assert.equal(named.size, 60)
})

test('asks for no more long cookies than a datagram holds, and for none without a cookie', () => {
  const long = { ...sessionWith(0), cookies: [new Uint8Array(512)] }
  const sent = asking(long)
  assert.equal(sent.asked.placeholders, 1)
  assert.ok(sent.request.length <= DATAGRAM_BYTES)
  assert.equal(protect(sent.session, header, nodeRandom), null)
})

test('never keeps more than eight cookies, the newest', () => {
  const { session, asked } = asking(sessionWith(COOKIES_MAX))
  const many = Array.from({ length: 12 }, (_, n) => new Uint8Array(16).fill(100 + n))
  const opened = openAnswer(session, answerTo({ unique: asked.unique, cookies: many }))
  assert.deepEqual(opened.session.cookies, many.slice(-COOKIES_MAX))
})

test('an answer counts once, and only for the open request (CLK-14)', () => {
  const first = asking(sessionWith(3))
  const second = asking(first.session)
  const stale = answerTo({ unique: first.asked.unique })
  assert.deepEqual(openAnswer(second.session, stale).verdict, { is: 'refused', fault: 'CLK-14' })
  const answer = answerTo({ unique: second.asked.unique })
  const opened = openAnswer(second.session, answer)
  assert.equal(opened.verdict.is, 'authentic')
  assert.equal(openAnswer(opened.session, answer).verdict.is, 'refused')
})

test('what is not from the server is refused and moves nothing (CLK-14)', () => {
  const { session, asked, request } = asking(sessionWith(3))
  const { unique } = asked
  const named = { type: FIELD.unique, body: unique }
  const forged: Readonly<Record<string, Uint8Array>> = {
    'a plain answer': ANSWER_HEADER,
    'a plain answer that names the request': concat(ANSWER_HEADER, writeFields([named], 28)),
    'our own request': request,
    'under the key of the other direction': answerTo({ unique, key: TO_SERVER }),
    'named twice': answerTo({ unique, more: [named] }),
    'another name': answerTo({ unique: nodeRandom(32) }),
    'the name only after the seal': concat(
      answerTo({ unique: nodeRandom(32) }).subarray(0, 48),
      answerTo({ unique }).subarray(84),
      writeFields([named], 28),
    ),
    'a NAK of another name': nakTo(nodeRandom(32)),
  }
  for (const [what, datagram] of Object.entries(forged)) {
    const opened = openAnswer(session, datagram)
    assert.deepEqual(opened.verdict, { is: 'refused', fault: 'CLK-14' }, what)
    assert.equal(opened.session, session, what)
  }
})

test('every bit of an answer turned over: refused, the stock unmoved (CLK-14)', () => {
  const { session, asked } = asking(sessionWith(3))
  const answer = answerTo({ unique: asked.unique, cookies: [cookie(9)] })
  for (let bit = 0; bit < answer.length * 8; bit += 1) {
    const damaged = new Uint8Array(answer)
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    const opened = openAnswer(session, damaged)
    assert.equal(opened.verdict.is, 'refused', `bit ${bit}`)
    assert.equal(opened.session, session)
  }
  assert.equal(openAnswer(session, answer).verdict.is, 'authentic')
})

test('cookies outside the encrypted part are not taken', () => {
  const { session, asked } = asking(sessionWith(1))
  const more = [{ type: FIELD.cookie, body: cookie(66) }]
  const opened = openAnswer(session, answerTo({ unique: asked.unique, more }))
  assert.equal(opened.verdict.is, 'authentic')
  assert.equal(opened.session.cookies.length, 0)
})

test('a NAK is told, spends nothing and leaves the request open (RFC 8915 5.7)', () => {
  const { session, asked } = asking(sessionWith(3))
  const opened = openAnswer(session, nakTo(asked.unique))
  assert.deepEqual(opened.verdict, { is: 'nak' })
  assert.equal(opened.session, session)
  const answer = answerTo({ unique: asked.unique })
  assert.equal(openAnswer(opened.session, answer).verdict.is, 'authentic')
})

test('a request is one packet that reads back', () => {
  const read = readPacket(asking(sessionWith(8)).request)
  assert.ok(read.ok)
  assert.deepEqual(
    read.packet.fields.map(({ type }) => type),
    [FIELD.unique, FIELD.cookie, FIELD.authenticator],
  )
})
