// The session of suite 1 in test/vectors/handshake.json. Its intermediate values are worked out by
// hand (test/unit/hand-noise), its encapsulation by @noble/post-quantum, which takes the randomness
// as an argument; what our own handshake makes of the same keys must be the same bytes.
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'

const { nodeSuite: suite } = await import('../dist/shared/node/node-suite.js')
const { epochId, exporter, masterKeyTag, sessionPrologue } = await import(
  '../dist/shared/tves/handshake.js'
)
const { startHandshake } = await import('../dist/shared/tves/noise.js')
const { toHex } = await import('../dist/shared/bytes.js')
const { sessionAnswer, sessionHello } = await import('../dist/shared/wire/message.js')
const { handSession } = await import('../dist/test/unit/tves/hand-noise.js')

function same(ours, byHand) {
  if (ours === null || toHex(ours) !== toHex(byHand)) throw new Error('two handshakes of one text')
}

/** `seed` and `coins` are all the randomness ML-KEM has: 64 and 32 bytes. */
export function hybridSession({ slave, master, ephemerals, psk, seed, coins, payloads }) {
  const { publicKey: encapsulationKey } = ml_kem768.keygen(seed)
  const { cipherText, sharedSecret } = ml_kem768.encapsulate(encapsulationKey, coins)
  const kem = {
    seed,
    encapsulationKey,
    coins,
    ciphertext: cipherText,
    secret: sharedSecret.slice(),
  }
  const prologue = sessionPrologue(1)
  const [slaveEphemeral, masterEphemeral] = ephemerals.map((privateKey) => ({
    privateKey,
    publicKey: suite.publicKey(privateKey),
  }))
  const byHand = handSession({
    prologue,
    psk,
    slave,
    master,
    slaveEphemeral,
    masterEphemeral,
    kem,
    payloads,
  })
  const fixed = {
    ...suite,
    kem: {
      ...suite.kem,
      encapsulate: () => ({ ciphertext: kem.ciphertext, secret: kem.secret.slice() }),
    },
  }
  const shared = { suite: fixed, pattern: 'IKpsk2+hfs', prologue, psk }
  const initiator = startHandshake({
    ...shared,
    initiator: true,
    staticKey: slave,
    remoteStatic: master.publicKey,
    ephemeral: ephemerals[0].slice(),
    kemSeed: seed.slice(),
  })
  const responder = startHandshake({
    ...shared,
    initiator: false,
    staticKey: master,
    ephemeral: ephemerals[1].slice(),
  })
  const [first, second] = byHand.messages
  same(initiator.write(payloads[0]), first)
  same(responder.read(first), payloads[0])
  same(responder.write(payloads[1]), second)
  same(initiator.read(second), payloads[1])
  const { transcript, chainingKey } = initiator.finish()
  const keyTag = masterKeyTag(suite, master.publicKey)
  return {
    prologue,
    masterKeyTag: keyTag,
    ephemerals: { slave: ephemerals[0], master: ephemerals[1] },
    kem,
    payloads,
    steps: byHand.steps,
    bodies: [sessionHello(1, keyTag, first), sessionAnswer(1, second)],
    transcript,
    chainingKey,
    transportKeys: { slave: byHand.transportKeys[0], master: byHand.transportKeys[1] },
    epoch: { id: epochId(transcript), secret: exporter(suite, chainingKey, 'epoch') },
  }
}
