// Who copied a slave's disk, and calls in its name while it lives on. He lists nothing or what his
// copy held, asks for new epochs, and says of each epoch in his copy that it is drained. Nothing
// the true slave seals may become impossible to open for that: the rules of the book go on
// looking, and in the calm everything must come through. (Frames of his own he does not send.)

import { toHex } from '../../shared/bytes.ts'
import type { SealedUpTo } from '../../shared/wire/control.ts'
import { controlBody } from '../../services/slave/core/control.ts'
import { beginSession, receive } from '../../services/slave/core/link/session.ts'
import { DOWN, type Session } from '../../services/slave/core/state/link.ts'
import type { Stored, StoredRun } from '../../services/slave/core/state/stored.ts'
import { monoUs } from '../../shared/units.ts'
import { simulatedSuite } from './kem.ts'
import type { MasterBox } from './master-box.ts'
import type { End, NetLink, Network } from './network.ts'
import type { Chance } from './prng.ts'
import type { SlaveBox } from './slave-box.ts'
import { MINUTE, type World } from './world.ts'

/** Calls in a row, so that two that name nothing follow each other. */
const CALLS_MAX = 4

interface Parties {
  readonly world: World
  readonly network: Network
  readonly master: MasterBox
  readonly slaves: readonly SlaveBox[]
}

export class Double {
  calm = false
  readonly #parties: Parties
  readonly #chance: Chance
  readonly #copies = new Map<SlaveBox, Stored>()

  constructor(parties: Parties, chance: Chance, everyUs: number) {
    this.#parties = parties
    this.#chance = chance
    if (!Number.isFinite(everyUs)) return
    parties.world.every(
      () => chance.wait(everyUs),
      '',
      () => this.#comes(),
    )
  }

  #comes(): void {
    const { world, slaves } = this.#parties
    const chance = this.#chance
    const slave = slaves[chance.below(slaves.length)]
    if (this.calm || slave === undefined || !slave.enrolled) return
    const known = this.#copies.get(slave)
    const copy = known === undefined || chance.happens(0.2) ? slave.disk.load() : known
    this.#copies.set(slave, copy)
    // A copy that is used at once, or only when the slave has gone on.
    if (known === undefined && chance.happens(0.5)) return
    world.note(`somebody calls as ${slave.device}`)
    for (let call = chance.below(CALLS_MAX); call >= 0; call -= 1) {
      world.after(chance.between(0, 10 * MINUTE), '', () => this.#call(copy))
    }
  }

  #call(copy: Stored): void {
    const { network, master } = this.#parties
    const chance = this.#chance
    const { identity } = copy
    if (this.calm || !master.listening || !identity?.psk || identity.masterKey === null) return
    const { staticKey, psk, masterKey } = identity
    const setup = {
      suite: simulatedSuite(chance.bytes),
      random: chance.bytes,
      processId: chance.bytes(8),
    }
    const asks = { wantEpoch: chance.happens(0.7), mono: monoUs(0) }
    const hello = beginSession(setup, { staticKey, psk, masterKey }, asks)
    let session: Session = hello.session
    const say = (link: NetLink, body: Uint8Array | null): void => {
      if (body !== null) network.inject(link, 'up', body)
    }
    const end: End = {
      address: `double ${toHex(chance.bytes(2))}`,
      onBody: (link, body) => {
        if (session === DOWN) return
        const step = receive(setup, session, identity, body)
        session = step.session
        const { outcome } = step
        if (outcome.is === 'welcome') {
          const runs = chance.happens(0.7) ? [] : allOf(copy)
          const epoch = outcome.epoch?.id ?? 0
          say(link, controlBody(session, { is: 'confirm', epoch, runs }))
        }
        if (outcome.is !== 'control' || outcome.message.is !== 'committed') return
        this.#parties.world.sometimes('double called')
        for (const last of lastOf(copy)) {
          say(link, controlBody(session, { is: 'drained', ...last }))
        }
        this.#parties.world.after(chance.wait(MINUTE), '', () => network.close(link, 'slave'))
      },
      onClosed: () => undefined,
    }
    const link = network.join(end, master)
    link.touched = true
    master.opened(link)
    say(link, hello.send)
  }
}

const sealedUpTo = ({ epoch, run, last, lastHash }: StoredRun): SealedUpTo => ({
  epoch,
  run,
  sequence: last,
  hash: lastHash,
})

const allOf = ({ runs }: Stored): readonly SealedUpTo[] => runs.slice(-100).map(sealedUpTo)

/** The highest run of each epoch. */
function lastOf({ runs }: Stored): readonly SealedUpTo[] {
  const lasts = new Map<number, StoredRun>()
  for (const run of runs) {
    if (run.run > (lasts.get(run.epoch)?.run ?? 0)) lasts.set(run.epoch, run)
  }
  return [...lasts.values()].map(sealedUpTo)
}
