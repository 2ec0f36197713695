// An attacker who copied a token from its label but comes too late: it is burnt. The attacker
// proves the secret under another static key, and is refused (SEC-08).

import { nodeSuite } from '../../shared/node/node-suite.ts'
import { enrolmentPrologue } from '../../shared/tves/handshake.ts'
import { startHandshake } from '../../shared/tves/noise.ts'
import { tokenPsk } from '../../shared/tves/token.ts'
import { enrolmentHello, enrolmentStep, readMessage } from '../../shared/wire/message.ts'
import { encodeAttempt } from '../../shared/wire/payload.ts'
import type { Attacker } from './attacker.ts'
import type { MasterBox } from './master-box.ts'
import type { End, Network } from './network.ts'
import type { Chance } from './prng.ts'

interface Copied {
  readonly id: Uint8Array
  readonly secret: Uint8Array
}

/** Higher than any slave's attempt: that alone must not help. */
const ATTEMPT = 1_000_000

export function enrolWithCopy(
  token: Copied,
  parties: {
    readonly network: Network
    readonly master: MasterBox
    readonly attacker: Attacker
    readonly chance: Chance
  },
): void {
  const { network, master, attacker, chance } = parties
  if (!master.listening) return
  const privateKey = chance.bytes(32)
  const noise = startHandshake({
    suite: nodeSuite,
    pattern: 'XXpsk3',
    initiator: true,
    prologue: enrolmentPrologue(token.id),
    staticKey: { privateKey, publicKey: nodeSuite.publicKey(privateKey) },
    psk: tokenPsk(nodeSuite, token.secret),
    ephemeral: chance.bytes(32),
  })
  const hello = noise.write(new Uint8Array(0))
  if (hello === null) return
  const end: End = {
    address: 'copyist',
    onBody: (link, body) => {
      const verdict = readMessage(body)
      if (!verdict.ok || verdict.message.is !== 'enrolment') return
      if (noise.read(verdict.message.noise) === null) return
      const last = noise.write(encodeAttempt(ATTEMPT))
      if (last !== null) network.inject(link, 'up', enrolmentStep(3, last), { alien: true })
    },
    onClosed: () => undefined,
  }
  const link = network.join(end, master)
  link.touched = true
  attacker.own.add(link.id)
  master.opened(link)
  network.inject(link, 'up', enrolmentHello(token.id, hello), { alien: true })
}
