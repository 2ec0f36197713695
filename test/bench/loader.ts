// The second process: slaves that come back from an outage all at once. Each opens a link, greets
// the master as a slave does, and sends what it sealed before, never more than 64 frames ahead of
// the acknowledgements. It seals everything first and reports that, then sends one round per
// message.

import { equalConstantTime } from '../../shared/bytes.ts'
import { openLink, type Link } from '../../services/slave/shell/link/link.ts'
import { controlBody } from '../../services/slave/core/control.ts'
import { beginSession, type Outcome, receive } from '../../services/slave/core/link/session.ts'
import { DOWN, type Session } from '../../services/slave/core/state/link.ts'
import { nodeRandom, nodeSuite } from '../../shared/node/node-suite.ts'
import { systemClock } from '../../shared/node/system-clock.ts'
import type { ControlMessage } from '../../shared/wire/control.ts'
import { FLIGHT_BYTES_MAX, FLIGHT_FRAMES_MAX } from '../../shared/wire/limits.ts'
import { type Backlog, type BenchDevice, type Scenario, sealBacklog } from './backlog.ts'

export interface LoaderSetup {
  readonly scenario: Scenario
  readonly port: number
  readonly masterKey: Uint8Array
  readonly devices: readonly BenchDevice[]
}
export type LoaderTask = { readonly seal: LoaderSetup } | { readonly round: number }
export type LoaderAnswer = { readonly done: true } | { readonly failed: string }

const setup = { suite: nodeSuite, random: nodeRandom, processId: nodeRandom(8) }

/** One slave's link for one round: frames [from, to) of its backlog. */
class Caller {
  readonly #device: BenchDevice
  readonly #masterKey: Uint8Array
  readonly #frames: Backlog['frames']
  readonly #to: number
  readonly #finished = Promise.withResolvers<undefined>()
  #session: Session = DOWN
  #next: number
  #acknowledged: number
  #flightBytes = 0
  #link: Link | null = null

  constructor(
    device: BenchDevice,
    masterKey: Uint8Array,
    { frames, upTo }: Backlog,
    round: number,
  ) {
    this.#device = device
    this.#masterKey = masterKey
    this.#frames = frames
    this.#next = round === 0 ? 0 : (upTo[round - 1] ?? 0)
    this.#acknowledged = this.#next
    this.#to = upTo[round] ?? 0
  }

  async run(port: number): Promise<void> {
    const address = { kind: 'tcp', host: '127.0.0.1', port } as const
    const fail = (detail: string) => this.#finished.reject(new Error(detail))
    const link = openLink(
      address,
      {
        onUp: () => this.#greet(),
        onDown: (fault, detail) => fail(`the master ended the link: ${fault} ${detail}`),
        onUnreachable: fail,
        onBody: (body) => this.#take(body),
        onSent: () => undefined,
      },
      { clock: () => systemClock.mono(), random: () => 0 },
    )
    this.#link = link
    try {
      await this.#finished.promise
    } finally {
      link.close()
    }
  }

  #greet(): void {
    const { staticKey, psk } = this.#device
    const keys = { staticKey, psk, masterKey: this.#masterKey }
    const step = beginSession(setup, keys, { wantEpoch: false, mono: systemClock.mono() })
    this.#session = step.session
    if (step.send !== null) this.#link?.send(step.send)
  }

  #take(body: Uint8Array): void {
    const { staticKey, psk, id } = this.#device
    const identity = { staticKey, psk, masterKey: this.#masterKey, device: id, attempt: 1 }
    const step = receive(setup, this.#session, identity, body)
    this.#session = step.session
    this.#follow(step.outcome)
  }

  #follow(outcome: Outcome): void {
    if (outcome.is === 'ended')
      this.#finished.reject(new Error(`${outcome.fault} ${outcome.detail}`))
    if (outcome.is === 'control') this.#control(outcome.message)
    if (outcome.is !== 'welcome') return
    const last = this.#frames.at(-1)
    if (last === undefined) return
    const { epoch, run, sequence, hash } = last
    this.#say({
      is: 'confirm',
      epoch: outcome.epoch?.id ?? 0,
      runs: [{ epoch, run, sequence, hash }],
    })
  }

  #control(message: ControlMessage): void {
    if (message.is === 'committed') {
      const next = message.runs[0]?.next
      const expected = this.#frames[this.#next]?.sequence
      if (next === expected) this.#pump()
      else this.#finished.reject(new Error(`the master expects ${next}, we have ${expected}`))
      return
    }
    if (message.is !== 'acknowledge') {
      this.#finished.reject(new Error(`the master says ${JSON.stringify(message)}`))
      return
    }
    const frame = this.#frames[message.sequence]
    if (frame === undefined || !equalConstantTime(frame.hash, message.hash)) {
      this.#finished.reject(new Error(`frame ${message.sequence} has another hash at the master`))
      return
    }
    for (; this.#acknowledged <= message.sequence; this.#acknowledged += 1) {
      this.#flightBytes -= this.#frames[this.#acknowledged]?.body.length ?? 0
    }
    if (this.#acknowledged === this.#to) this.#finished.resolve(undefined)
    else this.#pump()
  }

  #pump(): void {
    while (
      this.#next < this.#to &&
      this.#next - this.#acknowledged < FLIGHT_FRAMES_MAX &&
      this.#flightBytes < FLIGHT_BYTES_MAX
    ) {
      const frame = this.#frames[this.#next]
      if (frame === undefined) return
      this.#next += 1
      this.#flightBytes += frame.body.length
      this.#link?.send(frame.body)
    }
  }

  #say(message: ControlMessage): void {
    const body = controlBody(this.#session, message)
    if (body !== null) this.#link?.send(body)
  }
}

function main(): void {
  let known: LoaderSetup | null = null
  let backlogs: readonly Backlog[] = []
  const answer = (text: LoaderAnswer) => process.send?.(text)
  process.on('message', (message) => {
    const task = message as LoaderTask
    if ('seal' in task) {
      known = task.seal
      const { scenario, devices } = task.seal
      backlogs = devices.map((device) => sealBacklog(scenario, device))
      answer({ done: true })
      return
    }
    if (known === null) return
    const { devices, masterKey, port } = known
    const calls = devices.map((device, at) => {
      const backlog = backlogs[at] ?? { frames: [], upTo: [] }
      return new Caller(device, masterKey, backlog, task.round).run(port)
    })
    Promise.all(calls).then(
      () => answer({ done: true }),
      (error: unknown) => answer({ failed: error instanceof Error ? error.message : 'unknown' }),
    )
  })
}

main()
