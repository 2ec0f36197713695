import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concat, fromHex, fromText, toHex } from '../../../shared/bytes.ts'
import {
  type AssociationEvent,
  startAssociation,
  stepAssociation,
} from '../../../shared/clock/ntp/association.ts'
import {
  readPacket,
  refidOf,
  toStamp,
  writeFields,
  writePacket,
} from '../../../shared/clock/ntp/packet.ts'
import { FIELD, openAuthenticator, sealAuthenticator } from '../../../shared/clock/nts/fields.ts'
import {
  COOKIES_MAX,
  decodeKeAnswer,
  encodeKeRequest,
  KE_BYTES_MAX,
} from '../../../shared/clock/nts/records.ts'
import {
  type NtsSession,
  ntsEnvelope,
  type Opened,
  openAnswer as openRead,
  protect,
  startNts,
  UNKEYED,
} from '../../../shared/clock/nts/session.ts'
import { nodeRandom } from '../../../shared/node/node-suite.ts'
import { monoUs, spanUs, unixUs } from '../../../shared/units.ts'
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
} from '../../fixtures/nts-server.ts'
import { aessiv } from '@noble/ciphers/aes.js'

const CRITICAL = 0x8000
/** Longest datagram that no IPv6 network fragments, less the headers of IPv6 and UDP. */
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

/** What cannot be read as a packet never gets this far. */
function openAnswer(session: NtsSession, datagram: Uint8Array): Opened {
  const read = readPacket(datagram)
  return read.ok ? openRead(session, datagram, read.packet) : { session, verdict: 'CLK-14' }
}

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
  assert.equal(openAuthenticator(key, header, bytes('00000000')), null)
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

test('no cookie and no identifier is used twice, and the stock returns to eight', () => {
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
    assert.equal(opened.verdict, 'authentic')
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
  assert.deepEqual(openAnswer(second.session, stale).verdict, 'CLK-14')
  const answer = answerTo({ unique: second.asked.unique })
  const opened = openAnswer(second.session, answer)
  assert.equal(opened.verdict, 'authentic')
  assert.equal(openAnswer(opened.session, answer).verdict, 'CLK-14')
})

test('what is not from the server is refused and moves nothing (CLK-14)', () => {
  const { session, asked, request } = asking(sessionWith(3))
  const { unique } = asked
  const named = { type: FIELD.unique, body: unique }
  const sealed = sealAuthenticator(
    TO_CLIENT.reveal(),
    new Uint8Array(16),
    ANSWER_HEADER,
    new Uint8Array(0),
  )
  const seal = { type: FIELD.authenticator, body: sealed }
  const kiss = new Uint8Array(ANSWER_HEADER)
  kiss[1] = 0
  kiss.set(fromText('RATE'), 12)
  const forged: Readonly<Record<string, Uint8Array>> = {
    'a plain answer': ANSWER_HEADER,
    'a plain answer that names the request': concat(ANSWER_HEADER, writeFields([named], 28)),
    'our own request': request,
    'under the key of the other direction': answerTo({ unique, key: TO_SERVER }),
    'named twice': answerTo({ unique, more: [named] }),
    'another name': answerTo({ unique: nodeRandom(32) }),
    'the name only after the seal': concat(ANSWER_HEADER, writeFields([seal, named], 28)),
    'a kiss that is no NAK': concat(kiss, writeFields([named], 28)),
    'a NAK of another name': nakTo(nodeRandom(32)),
  }
  for (const [what, datagram] of Object.entries(forged)) {
    const opened = openAnswer(session, datagram)
    assert.deepEqual(opened.verdict, 'CLK-14', what)
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
    assert.equal(opened.verdict, 'CLK-14', `bit ${bit}`)
    assert.equal(opened.session, session)
  }
  assert.equal(openAnswer(session, answer).verdict, 'authentic')
})

test('cookies outside the encrypted part are not taken', () => {
  const { session, asked } = asking(sessionWith(1))
  const more = [{ type: FIELD.cookie, body: cookie(66) }]
  const opened = openAnswer(session, answerTo({ unique: asked.unique, more }))
  assert.equal(opened.verdict, 'authentic')
  assert.equal(opened.session.cookies.length, 0)
})

test('a NAK discards the keys, once, for the open request only (RFC 8915 5.7)', () => {
  const { session, asked } = asking(sessionWith(3))
  const opened = openAnswer(session, nakTo(asked.unique))
  assert.equal(opened.verdict, 'renew')
  assert.equal(protect(opened.session, header, nodeRandom), null)
  assert.equal(openAnswer(opened.session, nakTo(asked.unique)).verdict, 'CLK-14')
})

test('a request is one packet that reads back', () => {
  const read = readPacket(asking(sessionWith(8)).request)
  assert.ok(read.ok)
  assert.deepEqual(
    read.packet.fields.map(({ type }) => type),
    [FIELD.unique, FIELD.cookie, FIELD.authenticator],
  )
})

const ORIGIN = unixUs(1_790_000_000_000_000)
const OUTSIDE = { random: nodeRandom, ours: new Set<number>() }

/** The server's header in answer to a question, `wrongUs` off. */
function headerFor(question: Uint8Array, at: number, wrongUs = 0): Uint8Array {
  const read = readPacket(question)
  assert.ok(read.ok)
  const stamp = toStamp(unixUs(ORIGIN + at + wrongUs))
  const [none, origin] = [spanUs(0), read.packet.transmit]
  const said = { leap: 0, version: 4, mode: 4, stratum: 1, poll: 6, precision: -20 } as const
  const own = { rootDelay: none, rootDispersion: none, refid: refidOf('TEST'), reference: stamp }
  return writePacket({ ...said, ...own, origin, receive: stamp, transmit: stamp })
}

test('an association follows authentic answers only, and asks for keys, never in plain', () => {
  let at = 0
  let association = startAssociation(monoUs(0), UNKEYED)
  const step = (event: AssociationEvent) => {
    const after = stepAssociation(association, event, OUTSIDE)
    association = after.association
    return after.actions
  }
  const tick = () => {
    at = association.nextAt
    return step({ on: 'tick', at: monoUs(at) })
  }
  const hear = (datagram: Uint8Array) => {
    at += 1_000
    return step({ on: 'datagram', datagram, at: monoUs(at) })
  }
  const ask = (): Uint8Array => {
    const [action] = tick()
    assert.ok(action?.do === 'send')
    step({ on: 'sent', at: monoUs(at) })
    return action.datagram
  }
  assert.deepEqual(tick(), [{ do: 'establish' }])
  step({ on: 'envelope', envelope: ntsEnvelope(sessionWith(8)), at: monoUs(at) })

  let question = ask()
  const lie = headerFor(question, at, 5_000_000)
  const { unique } = readRequest(question)
  const foreign = answerTo({ unique, header: lie, key: TO_SERVER })
  for (const forged of [lie, concat(lie, answerTo({ unique }).subarray(48)), foreign]) {
    const [reported] = hear(forged)
    assert.ok(reported?.do === 'report' && reported.fault === 'CLK-14')
    assert.equal(association.sample, null)
  }
  const [learned] = hear(answerTo({ unique, header: headerFor(question, at) }))
  assert.ok(learned?.do === 'learned')
  assert.equal(Math.abs(learned.sample.utc - learned.sample.mono - ORIGIN) < 3_000, true)

  // A kiss-o'-death and a NAK: the first counts only when authenticated, the second discards the
  // keys.
  question = ask()
  const kiss = headerFor(question, at)
  kiss[1] = 0
  kiss.set(fromText('DENY'), 12)
  const named = { type: FIELD.unique, body: readRequest(question).unique }
  hear(concat(kiss, writeFields([named], 28)))
  assert.equal(association.stopped, false)
  kiss.set(fromText('NTSN'), 12)
  hear(concat(kiss, writeFields([named], 28)))
  assert.deepEqual(tick(), [{ do: 'establish' }])
})
