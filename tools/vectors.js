// Writes test/vectors/{tree,frame,handshake,control}.json: the normative examples of docs/wire.md,
// with their intermediate values. Run after `npm run build`, and only when the protocol itself
// changes: the tests compare what we compute with these files, and so may a second implementation.
import { writeFileSync } from 'node:fs'
import { hybridSession } from './hybrid-vectors.js'

const { concat, fromText, toHex } = await import('../dist/shared/bytes.js')
const { nodeSuite: suite } = await import('../dist/shared/node/node-suite.js')
const { enrolmentPrologue, ControlChannel, epochId, exporter, masterKeyTag, sessionPrologue } =
  await import('../dist/shared/tves/handshake.js')
const { certificateKey, certifierOf, isCertified } = await import(
  '../dist/shared/tves/certificate.js'
)
const { startHandshake } = await import('../dist/shared/tves/noise.js')
const { sealFrame } = await import('../dist/shared/tves/seal.js')
const { Secret } = await import('../dist/shared/secret.js')
const { streamNext, streamStart } = await import('../dist/shared/tves/stream.js')
const { encodeToken, fingerprint, tokenPsk } = await import('../dist/shared/tves/token.js')
const { encodeTree, leafAt, plantTree, puncture, runIv } = await import(
  '../dist/shared/tves/tree.js'
)
const { compactBody } = await import('../dist/shared/wire/compact.js')
const { encodeOpener, encodeReadings, padContent } = await import('../dist/shared/wire/content.js')
const { encodeControl } = await import('../dist/shared/wire/control.js')
const { encodeHeader } = await import('../dist/shared/wire/frame.js')
const { headOf, NO_PREVIOUS_RUN } = await import('../dist/shared/wire/opener.js')
const { enrolmentHello, enrolmentStep, refusal, sessionAnswer, sessionHello } = await import(
  '../dist/shared/wire/message.js'
)
const { encodeAttempt, encodeSessionHello, encodeSessionOffer } = await import(
  '../dist/shared/wire/payload.js'
)

/** `length` bytes that count up from `first`: recognisable in a dump, and nobody's key. */
const count = (first, length) => Uint8Array.from({ length }, (_, i) => (first + i) & 0xff)
const keyPair = (first) => {
  const privateKey = count(first, 32)
  return { privateKey, publicKey: suite.publicKey(privateKey) }
}
/** The same value with every Uint8Array as hex. */
const asHex = (value) => {
  if (value instanceof Uint8Array) return toHex(value)
  if (Array.isArray(value)) return value.map(asHex)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, asHex(inner)]))
}
const write = (name, about, content) =>
  writeFileSync(
    new URL(`../test/vectors/${name}.json`, import.meta.url),
    `${JSON.stringify({ about, ...asHex(content) }, null, 2)}\n`,
  )

const secret = count(0x00, 32)
const tree = plantTree(suite, secret)

function treeVectors() {
  const rootOutput = suite.sha512(concat(fromText('TVES/1 root'), secret))
  const seconds = [0, 1, 2, 3, 59, 3_600, 86_400, 2_592_000, 2 ** 31, 2 ** 32 - 1]
  const leaves = seconds.map((second) => ({ second, key: leafAt(suite, tree, second).key }))
  /** Every node on the way to second 5, from the root's child on. */
  const path = []
  let node = rootOutput.slice(0, 32)
  for (let level = 0; level < 32; level += 1) {
    const input = concat(fromText('TVES/1 node'), Uint8Array.of(level), node)
    const output = suite.sha512(input)
    const bit = (5 >>> (31 - level)) & 1
    node = bit === 0 ? output.slice(0, 32) : output.slice(32)
    if (level < 2 || level > 28) path.push({ level, input, output, bit, node })
  }
  const punctured = [1, 6, 3_601].map((next) => {
    const kept = puncture(suite, tree, next)
    return { next, nodes: kept.nodes, encoded: encodeTree(kept) }
  })
  const salt = count(0x50, 16)
  const runs = [1, 2, 0xffff_ffff].map((run) => ({
    run,
    salt,
    iv: runIv(suite, tree.ivKey, run, salt),
  }))
  write(
    'tree',
    'wire.md 7: leaves, one path with its hash inputs, what a holder keeps, ivs; encoded is how we store it, no part of the protocol',
    {
      secret,
      rootOutput,
      ivKey: tree.ivKey,
      leaves,
      pathToSecond5: path,
      punctured,
      runs,
    },
  )
}

const ORIGIN = 1_790_000_000_000
const PROCESS_START = 1_790_000_024_691

/** What the frames of frame.json say: the opener, then one frame a second from second 120 on. */
function frameContents() {
  const reading = {
    meter: 'SN-00112233',
    register: '1-0:1.8.0*255',
    value: 1_234_567,
    exponent: 1,
    unit: 30,
    source: 'live',
    meterTime: null,
    checked: true,
  }
  const cycle = Array.from({ length: 32 }, (_, index) => {
    const value = index === 0 ? reading.value : 100 * index - 1_000
    return { ...reading, register: `1-0:${index + 1}.8.0*255`, value }
  })
  const row = { ...reading, source: 'profile', meterTime: 1_789_999_200_000 }
  const profile = Array.from({ length: 8 }, (_, index) => {
    const late = index > 5 ? 1_000 : 0
    return {
      ...row,
      value: 1_200_000 + 250 * index,
      meterTime: row.meterTime + 900_000 * index + late,
    }
  })
  const gas = {
    meter: 'G4.7',
    register: '7-1:3.0.0*255',
    value: -5,
    exponent: -2,
    unit: 13,
    source: 'push',
    meterTime: 1_790_000_122_000,
    checked: false,
  }
  const heads = [...cycle, row, gas].map(headOf)
  const stamp = (second, ms, more = {}) => {
    const agentTime = ORIGIN + 1_000 * second + ms
    const processMs = agentTime - PROCESS_START + (more.ahead ?? 0)
    return { agentTime, clockState: more.state ?? 'S', clockBound: more.bound ?? 12, processMs }
  }
  const unknown = { ...gas, meter: 'Q-1', meterTime: null }
  return [
    {
      name: 'opener',
      content: {
        kind: 'opener',
        processId: count(0xb0, 8),
        previous: NO_PREVIOUS_RUN,
        processStart: PROCESS_START,
        heads,
      },
    },
    { name: 'full', groups: [{ stamp: stamp(121, 456), readings: [reading] }] },
    {
      name: 'compact',
      groups: [{ stamp: stamp(122, 5), readings: [{ ...reading, value: 1_234_570 }] }],
    },
    { name: 'batch', groups: [{ stamp: stamp(123, 999), readings: cycle }] },
    { name: 'profile', groups: [{ stamp: stamp(124, 0), readings: profile }] },
    {
      name: 'groups',
      groups: [
        { stamp: stamp(125, -4_000, { ahead: 7 }), readings: [gas, { ...gas, value: 3 }] },
        {
          stamp: stamp(125, 1, { state: 'U', bound: 0xffff_ffff }),
          readings: [unknown, { ...unknown, unit: 30 }, ...cycle.slice(3, 5)],
        },
      ],
    },
    { name: 'padded', padded: true, groups: [{ stamp: stamp(126, 456), readings: [reading] }] },
    { name: 'empty', groups: [] },
  ]
}

function frameVectors() {
  const device = count(0xd0, 8)
  const transcript = count(0x70, 32)
  const salt = count(0x50, 16)
  const epoch = 0x70717273
  const run = 3
  const iv = runIv(suite, tree.ivKey, run, salt)
  const contents = frameContents()
  const [{ content: opener }] = contents
  let hash = streamStart(suite, device, epoch, run)
  const start = hash
  let previous = null
  const frames = contents.map(({ name, content, groups, padded = false }, sequence) => {
    const second = 120 + sequence
    const begins = ORIGIN + second * 1_000
    const written = content
      ? { plaintext: encodeOpener(content), readings: 0 }
      : encodeReadings(groups, { begins, opener })
    const plaintext = padded ? padContent(written.plaintext) : written.plaintext
    const header = {
      opener: sequence === 0,
      epoch,
      run,
      second,
      sequence,
      count: written.readings,
      salt: sequence === 0 ? salt : null,
    }
    const { key } = leafAt(suite, tree, second)
    const headerBytes = encodeHeader(header)
    const aad = concat(fromText('TVES/1 frame'), device, transcript, headerBytes)
    const nonce = Uint8Array.from(iv)
    nonce[11] ^= sequence
    const body = sealFrame(suite, { key, iv, device, transcript, header, plaintext })
    // Frame 1 is the first of a link: on the line it keeps its full header, all behind it do not.
    const line = compactBody(sequence === 1 ? null : previous, body)
    previous = header
    hash = streamNext(suite, hash, body)
    return {
      name,
      header,
      content: content ?? { kind: 'readings', groups },
      padded,
      key,
      nonce,
      aad,
      plaintext,
      body,
      line,
      streamHash: hash,
    }
  })
  write(
    'frame',
    'wire.md 6 and 8: the frames of one run, whole and as sent on a link; tree secret as in tree.json',
    {
      secret,
      device,
      transcript,
      origin: ORIGIN,
      salt,
      iv,
      streamStart: start,
      frames,
    },
  )
}

const slaveStatic = keyPair(0x10)
const masterStatic = keyPair(0x20)

function runHandshake(pattern, prologue, psk, ephemerals, payloads) {
  const shared = { suite, pattern, prologue, psk }
  const remote = pattern === 'IKpsk2' ? { remoteStatic: masterStatic.publicKey } : {}
  const slave = startHandshake({
    ...shared,
    ...remote,
    initiator: true,
    staticKey: slaveStatic,
    // The handshake overwrites what it was given, once it has used it.
    ephemeral: ephemerals[0].slice(),
  })
  const master = startHandshake({
    ...shared,
    initiator: false,
    staticKey: masterStatic,
    ephemeral: ephemerals[1].slice(),
  })
  const messages = payloads.map((payload, index) => {
    const [writer, reader] = index % 2 === 0 ? [slave, master] : [master, slave]
    const noise = writer.write(payload)
    if (reader.read(noise) === null) throw new Error('the other side does not read it')
    return { payload, noise }
  })
  return { slave: slave.finish(), master: master.finish(), messages }
}

function handshakeVectors() {
  const token = {
    id: count(0x01, 8),
    secret: new Secret(count(0x30, 16)),
    fingerprint: fingerprint(suite, masterStatic.publicKey),
  }
  const ephemerals = [count(0x40, 32), count(0x60, 32)]
  const none = new Uint8Array(0)
  const enrolmentPsk = tokenPsk(suite, token.secret.reveal())
  const prologue = enrolmentPrologue(token.id)
  const enrol = runHandshake('XXpsk3', prologue, enrolmentPsk, ephemerals, [
    none,
    none,
    encodeAttempt(1),
  ])
  const psk = exporter(suite, enrol.slave.chainingKey, 'psk')
  const device = count(0xd0, 8)
  const enrolled = new ControlChannel(enrol.master, null).seal(
    encodeControl({ is: 'enrolled', device }),
  )
  const offer = {
    device,
    t2: 1_790_000_000_000_100,
    t3: 1_790_000_000_000_900,
    bound: 2_500,
    tolerance: 10,
    historyFrom: null,
    origin: 1_790_000_000_000,
  }
  const hello = { processId: count(0xb0, 8), wantsEpoch: true }
  const session = runHandshake('IKpsk2', sessionPrologue(0), psk, ephemerals.toReversed(), [
    encodeSessionHello(hello),
    encodeSessionOffer(offer),
  ])
  const [step1, step2, step3] = enrol.messages
  const [first, second] = session.messages
  const keyTag = masterKeyTag(suite, masterStatic.publicKey)
  write(
    'handshake',
    'wire.md 3 and 4: an enrolment, then sessions of the same device: suite 0, and 1 (hybrid)',
    {
      slaveStatic,
      masterStatic,
      ephemerals: {
        enrolment: { slave: ephemerals[0], master: ephemerals[1] },
        session: { slave: ephemerals[1], master: ephemerals[0] },
      },
      token: {
        id: token.id,
        secret: token.secret.reveal(),
        fingerprint: token.fingerprint,
        text: encodeToken(token),
      },
      enrolment: {
        prologue,
        psk: enrolmentPsk,
        attempt: 1,
        bodies: [
          enrolmentHello(token.id, step1.noise),
          enrolmentStep(2, step2.noise),
          enrolmentStep(3, step3.noise),
        ],
        transcript: enrol.slave.transcript,
        chainingKey: enrol.slave.chainingKey,
        devicePsk: psk,
        enrolled,
      },
      session: {
        prologue: sessionPrologue(0),
        hello,
        offer,
        payloads: [first.payload, second.payload],
        masterKeyTag: keyTag,
        bodies: [sessionHello(0, keyTag, first.noise), sessionAnswer(0, second.noise)],
        transcript: session.slave.transcript,
        chainingKey: session.slave.chainingKey,
        epoch: {
          id: epochId(session.slave.transcript),
          secret: exporter(suite, session.slave.chainingKey, 'epoch'),
        },
      },
      hybridSession: hybridSession({
        slave: slaveStatic,
        master: masterStatic,
        ephemerals: [count(0x80, 32), count(0xa0, 32)],
        psk,
        seed: count(0xc0, 64),
        coins: count(0xe0, 32),
        payloads: [first.payload, second.payload],
      }),
    },
  )
  return session
}

const meterClock = {
  is: 'meter-clock',
  meter: 'SN-7',
  offset: -61_000_000,
  bound: 900,
  resolution: 10_000,
  frequency: 4.2,
  monthlyDrift: -61_000,
  invalid: false,
  outcome: 'synchronised',
  event: 12,
}

function controlVectors(session) {
  const hash = count(0x90, 32)
  const stream = { epoch: 0x70717273, run: 3, sequence: 41, hash }
  const id = count(0xc0, 16)
  const parties = {
    suite,
    privateKey: slaveStatic.privateKey,
    peer: masterStatic.publicKey,
    masterKey: masterStatic.publicKey,
    slaveKey: slaveStatic.publicKey,
  }
  const between = { ...parties, device: count(0xd0, 8) }
  const certifiers = {
    slave: certifierOf({ ...between, side: 'slave' }),
    master: certifierOf({ ...between, side: 'master' }),
  }
  const slave = new ControlChannel(session.slave, certifiers.slave)
  const master = new ControlChannel(session.master, certifiers.master)
  const messages = [
    [
      'slave',
      { is: 'confirm', epoch: 0x70717273, runs: [stream, { ...stream, run: 4, sequence: 0 }] },
    ],
    [
      'master',
      {
        is: 'committed',
        epoch: 0x70717273,
        runs: [{ epoch: 0x70717273, run: 3, known: true, next: 42, hash }],
      },
    ],
    ['slave', { is: 'clock-request', id }],
    [
      'master',
      { is: 'clock-reply', id, t2: 1_790_000_001_000_000, t3: 1_790_000_001_000_040, bound: null },
    ],
    ['master', { is: 'acknowledge', ...stream }],
    [
      'master',
      {
        is: 'expect',
        code: 'SEC-06',
        epoch: 0x70717273,
        run: 3,
        next: 42,
        masterTime: 1_790_000_001_234,
      },
    ],
    [
      'slave',
      {
        is: 'status',
        clockState: 'S',
        offset: -1_500,
        bound: 2_700,
        roundTrip: 40_000,
        backlog: 12,
        meters: 3,
        faults: [
          { code: 'MTR-02', count: 7 },
          { code: 'SEC-FORK', count: 1 },
        ],
        discipline: {
          frequency: -12.345,
          skew: 0.5,
          holdover: 4_000,
          steps: 2,
          lastStep: -180_000_000,
        },
      },
    ],
    ...orderVectors(stream),
    ['slave', meterClock],
    ['slave', { ...meterClock, frequency: null, outcome: 'deferred', event: null }],
    ['slave', { is: 'drained', ...stream }],
    ['master', { is: 'drained', ...stream }],
    ['slave', { is: 'drained', epoch: 0x70717274, run: 0, sequence: 0, hash: new Uint8Array(32) }],
    ...answerVectors(stream),
  ]
  // What tombstones and skips do to the stream hash: h(41) is `hash`.
  const body = count(0x13, 64)
  const bodyHash = suite.sha256(body)
  const device = count(0xd0, 8)
  write(
    'control',
    'wire.md 5: control messages as sent under the keys of the session of suite 0 in handshake.json; each direction counts from 0, in this order',
    {
      messages: messages.map(([from, message]) => {
        const plaintext = encodeControl(message)
        return {
          from,
          message,
          plaintext,
          ...(isCertified(plaintext) && { certificate: certifiers[from].ours(plaintext) }),
          body: (from === 'slave' ? slave : master).seal(plaintext),
        }
      }),
      // Between the static keys of handshake.json (wire.md 5.5).
      certificates: {
        device: count(0xd0, 8),
        shared: suite.dh(slaveStatic.privateKey, masterStatic.publicKey),
        key: certificateKey(parties),
      },
      smallOrder,
      refusals: ['WIR-05', 'SEC-07'].map((code) => ({ code, body: refusal(code) })),
      malformed: malformedVectors(stream),
      clockExchanges,
      streamHash: {
        device,
        epoch: stream.epoch,
        run: stream.run,
        start: streamStart(suite, device, stream.epoch, stream.run),
        // After frames 42..44 were given up it is what the tombstone says; the next frame follows it.
        tombstone: {
          before: hash,
          after: givenUp,
          next: { body, after: streamNext(suite, givenUp, body) },
        },
        // A skipped frame counts like any other.
        skip: { before: hash, body, bodyHash, after: streamNext(suite, hash, body) },
      },
    },
  )
}

const givenUp = count(0xa0, 32)

/** Points of small order, canonical and not; the highest bit is ignored (wire.md 4.1). */
const smallOrder = [
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
].flatMap((hex) => {
  const point = Uint8Array.fromHex(hex)
  const high = Uint8Array.from(point)
  high[31] |= 0x80
  return [point, high]
})

/** T1, T4 by the slave's clock, T2, T3 by the master's, microseconds; what follows from them. */
const clockExchanges = [
  [0, 30_000, 30_200, 50_200, 500],
  [1_000_000, 1_040_000, 1_040_000, 1_010_000, 20_500],
  [7, 1_790_000_000_123_456, 1_790_000_000_124_000, 40_551, 27_000],
].map(([t1, t2, t3, t4, masterBound]) => {
  const roundTripDelay = t4 - t1 - (t3 - t2)
  const offset = (t2 - t1 + (t3 - t4)) / 2
  return {
    t1,
    t2,
    t3,
    t4,
    masterBound,
    roundTripDelay,
    offset,
    error: roundTripDelay / 2 + masterBound,
  }
})

/** An epoch that the master does not know, and every code that EXPECT is sent with. */
function answerVectors({ epoch, run }) {
  const unknown = { epoch, run, known: false, next: 0, hash: new Uint8Array(32) }
  const expect = { is: 'expect', epoch, run, masterTime: 1_790_000_001_234 }
  return [
    ['master', { is: 'committed', epoch: 0, runs: [unknown] }],
    ...['SEC-02', 'SEC-03', 'SEC-12'].map((code) => ['master', { ...expect, code, next: 42 }]),
    ['master', { ...expect, code: 'SEC-04', next: 0 }],
  ]
}

/** Plaintexts that are `WIR-03`, each with what is wrong. */
function malformedVectors(stream) {
  const plaintext = (message) => [...encodeControl(message)]
  const acknowledge = plaintext({ is: 'acknowledge', ...stream })
  const confirm = plaintext({ is: 'confirm', epoch: 0, runs: [stream] })
  const zeros = (bytes, from, to) => bytes.map((byte, at) => (at >= from && at < to ? 0 : byte))
  const anchor = { is: 'anchor', processId: count(0xb0, 8), processMs: 5, utc: 5, bound: 12 }
  return [
    ['empty', []],
    ['a type that is not in the table', [17]],
    ['a byte behind the last field', [...acknowledge, 0]],
    ['the last byte is missing', acknowledge.slice(0, -1)],
    ['ACKNOWLEDGE of epoch 0', zeros(acknowledge, 1, 5)],
    ['ACKNOWLEDGE of run 0', zeros(acknowledge, 5, 9)],
    ['CONFIRM of run 0 with a sequence and a hash', zeros(confirm, 11, 15)],
    ['an ANCHOR of a process that began before 1970', plaintext(anchor).with(14, 9)],
  ].map(([why, bytes]) => ({ why, plaintext: Uint8Array.from(bytes) }))
}

/** Types 9 to 14. */
function orderVectors({ epoch, run }) {
  const processId = count(0xb0, 8)
  const expires = 1_790_000_600_000
  const command = (number, what) => ['master', { is: 'command', number, expires, what }]
  return [
    ['slave', { is: 'anchor', processId, processMs: 98_765, utc: 1_790_000_123_456, bound: 12 }],
    ...['damaged', 'too old', 'too large', 'forgotten'].map((reason) => [
      'slave',
      { is: 'tombstone', epoch, run, first: 42, last: 44, reason, hash: givenUp },
    ]),
    ['slave', { is: 'skip', epoch, run, sequence: 42, bodyHash: suite.sha256(count(0x13, 64)) }],
    command(1, { task: 'read-now', meter: null }),
    command(2, { task: 'read-now', meter: 'ED-1' }),
    command(3, { task: 'schedule', meter: 'ED-1', seconds: 900 }),
    command(4, { task: 'sync-clock', meter: 'ED-1' }),
    ['slave', { is: 'receipt', number: 3, outcome: 'done', detail: '' }],
    ['slave', { is: 'receipt', number: 4, outcome: 'refused', detail: 'MTR-09' }],
    ['master', { is: 'master-key', key: count(0x20, 32) }],
  ]
}

treeVectors()
frameVectors()
controlVectors(handshakeVectors())
