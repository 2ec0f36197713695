// What the core asks for about epochs, done in the roster: stored, looked up, set aside, taken
// back. Keys are wrapped on their way (keys/key-keeper.ts).

import type { FaultCode } from '../../../shared/faults.ts'
import { type Roster, RosterConflict } from '../../../shared/handover/roster.ts'
import { errorText } from '../../../shared/node/fault-error.ts'
import type { MasterAction, MasterEvent } from '../core/state.ts'
import type { KeyKeeper } from './keys/key-keeper.ts'

type Action<Do extends MasterAction['do']> = Extract<MasterAction, { do: Do }>

interface Setup {
  readonly roster: Roster
  readonly keeper: KeyKeeper
  readonly log: (code: FaultCode, detail: string) => void
  readonly step: (event: MasterEvent) => void
}

export class EpochWork {
  readonly #setup: Setup

  constructor(setup: Setup) {
    this.#setup = setup
  }

  async commit(action: Action<'commit-epoch'>): Promise<void> {
    const { roster, keeper, step } = this.#setup
    const { link, device, id, origin, transcript, staticKey } = action
    const stored = await this.#try('epoch', () =>
      keeper.store(action.keys, { is: 'tree', device, epoch: id }, (keys) =>
        roster.commitEpoch({ device, id, origin, transcript, keys, closed: false }, staticKey),
      ),
    )
    step({ on: 'epoch-committed', link, stored })
  }

  async recall({ link, device, epochs }: Action<'recall'>): Promise<void> {
    const { roster, step } = this.#setup
    let found: Awaited<ReturnType<Roster['drainedEpochs']>> | null = null
    await this.#try('drained epochs', async () => {
      found = await roster.drainedEpochs(device, epochs)
    })
    step({ on: 'recalled', link, found })
  }

  async drain({ link, device, epoch, keys }: Action<'drain'>): Promise<void> {
    const { roster, keeper, step } = this.#setup
    const stored = await this.#try('drained epoch', () =>
      roster.drainEpoch(
        { device, epoch },
        keeper.setAside(keys, { is: 'tree', device, epoch }, Date.now()),
      ),
    )
    step({ on: 'drained', link, device, stored })
  }

  /** The core does not wait for it: the same is found again in the next session. */
  async revive({ device, epoch, keys }: Action<'revive'>): Promise<void> {
    const { roster, keeper } = this.#setup
    await this.#try('epoch taken back', () =>
      keeper.store(keys, { is: 'tree', device, epoch }, (wrapped) =>
        roster.reviveEpoch({ device, epoch }, wrapped),
      ),
    )
  }

  async named({ device, epochs }: Action<'named'>): Promise<void> {
    await this.#try('epochs named', () => this.#setup.roster.namedEpochs(device, epochs))
  }

  async doubt({ doubt }: Action<'doubt'>): Promise<void> {
    await this.#try(`exception ${doubt.code}`, () => this.#setup.roster.doubt(doubt))
  }

  /** False: it failed, and the log says why. */
  async #try(what: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      const code = error instanceof RosterConflict ? 'SEC-01' : 'OPS-08'
      this.#setup.log(code, `${what}: ${errorText(error)}`)
      return false
    }
  }
}
