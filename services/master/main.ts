// Runs the head-end: sockets in front, the pure core in the middle, and behind it the sink, roster
// and board it was given.

import type { FaultCode } from '../../shared/faults.ts'
import type { Commands } from '../../shared/handover/commands.ts'
import { RosterConflict, type Roster } from '../../shared/handover/roster.ts'
import type { DeviceId, FleetBoard, Sink } from '../../shared/handover/sink.ts'
import { countedAddress, siteOf } from '../../shared/node/admission.ts'
import { errorText, FaultError } from '../../shared/node/fault-error.ts'
import type { FramedPeer } from '../../shared/node/framed-peer.ts'
import { nodeRandom, nodeSuite } from '../../shared/node/node-suite.ts'
import { type MonoUs, monoUs, spanUs, unixMs } from '../../shared/units.ts'
import { isFrame } from '../../shared/wire/frame.ts'
import type { HandshakeLimits } from './core/flood.ts'
import { type Master, startMaster } from './core/master.ts'
import type { LinkId, MasterAction, MasterEvent, Now } from './core/state.ts'
import { EpochWork } from './shell/epoch-work.ts'
import { KeyKeeper } from './shell/keys/key-keeper.ts'
import type { KeyStore } from './shell/keys/key-store.ts'
import { unreadableLines } from './shell/keys/unreadable.ts'
import { linkLimits } from './shell/link-limits.ts'
import { type Listeners, listen } from './shell/listeners.ts'
import { Sluice } from './shell/sluice.ts'
import { HeadTime, type TimeOptions } from './shell/time/head-time.ts'
import type { TreeKeys } from './shell/keys/tree-keys.ts'

/** How often we look for new tokens and revocations in the roster: a revoked link is cut within 2
 * s. */
const ROSTER_MS = 1_000

export interface MasterOptions {
  readonly keys: KeyStore
  readonly trees: TreeKeys
  readonly roster: Roster
  readonly commands: Commands
  readonly sink: Sink
  readonly board: FleetBoard
  readonly tcp: { readonly host: string; readonly port: number } | null
  readonly ws: { readonly host: string; readonly port: number } | null
  /** Seconds a time tag may be ahead. */
  readonly toleranceSeconds: number
  /** What the operator states of this machine's clock, microseconds; null: not synchronised. */
  readonly clockBoundUs: number | null
  /** The time sources we follow and where we serve NTP; left out: this machine's clock, and
   * nowhere. */
  readonly time?: Omit<TimeOptions, 'systemBound'>
  readonly connectionsMax: number
  /** Where they differ from those of wire.md 10. */
  readonly handshakeLimits?: Partial<HandshakeLimits>
  readonly log: (code: FaultCode, detail: string) => void
  /** For events that are no faults: keys that changed. */
  readonly say?: (line: string) => void
}

export interface RunningMaster {
  readonly tcpPort: number | null
  readonly wsPort: number | null
  /** UDP, of the NTP server. */
  readonly ntpPort: number | null
  connections(): number
  /** Takes over new devices and tokens at once. */
  refresh(): Promise<void>
  /** Rewraps all key trees now, as happens every hour. */
  rotateTrees(): Promise<void>
  close(): Promise<void>
}

/** Loads the roster and starts listening. Rejects with OPS-03 (port taken), OPS-08 (database). */
export async function runMaster(options: MasterOptions): Promise<RunningMaster> {
  const { clockBoundUs, time: named, board, log } = options
  const systemBound = clockBoundUs === null ? null : spanUs(clockBoundUs)
  const time = await HeadTime.open(
    { ...(named ?? { ntp: null, sources: [] }), systemBound },
    { onReport: (report) => board.headClock(report), onFault: log },
  )
  try {
    const shell = new MasterShell(options, time)
    await shell.bind()
    await shell.refresh()
    await shell.open()
    return shell
  } catch (error) {
    await time.close()
    throw error
  }
}

class MasterShell implements RunningMaster {
  readonly #options: MasterOptions
  readonly #time: HeadTime
  readonly #master: Master
  readonly #keeper: KeyKeeper
  readonly #epochs: EpochWork
  readonly #peers = new Map<LinkId, FramedPeer>()
  readonly #sluice = new Sluice()
  readonly #timers: NodeJS.Timeout[] = []
  #listeners: Listeners | null = null
  #nextLink = 1
  #revision = -1
  #commandsRevision = -1
  #loadingCommands = false
  /** The load that runs or ran last, and the one waiting for it. */
  #loading: Promise<unknown> = Promise.resolve()
  #nextLoad: Promise<void> | null = null
  #closing = false

  constructor(options: MasterOptions, time: HeadTime) {
    this.#options = options
    this.#time = time
    this.#master = startMaster({
      suite: nodeSuite,
      random: nodeRandom,
      staticKeys: options.keys.staticKeys,
      handshakeLimits: options.handshakeLimits ?? {},
      toleranceSeconds: options.toleranceSeconds,
      unwrap: (wrapped, place) => this.#keeper.unwrap(wrapped, place),
    })
    const { keys, trees, roster, log, say = () => {} } = options
    this.#keeper = new KeyKeeper({
      keys,
      trees,
      roster,
      log,
      say,
      tree: (device, epoch) => this.#master.tree(device, epoch),
      renewKeys: (held) => this.#perform(this.#master.renewKeys(held, this.#now())),
    })
    const keeper = this.#keeper
    this.#epochs = new EpochWork({ roster, keeper, log, step: (event) => this.#step(event) })
  }

  get tcpPort(): number | null {
    return this.#listeners?.tcpPort ?? null
  }
  get wsPort(): number | null {
    return this.#listeners?.wsPort ?? null
  }
  get ntpPort(): number | null {
    return this.#time.ntpPort
  }
  connections(): number {
    return this.#listeners?.connections() ?? 0
  }

  bind(): Promise<void> {
    return this.#keeper.bind()
  }

  async open(): Promise<void> {
    const { tcp, ws, connectionsMax, handshakeLimits, board } = this.#options
    const verdict = await listen({
      tcp,
      ws: ws === null ? null : { ...ws, path: '/' },
      limits: linkLimits(connectionsMax, handshakeLimits),
      clock: () => monoUs(Number(process.hrtime.bigint() / 1_000n)),
      onPeer: (peer) => this.#admit(peer),
      onRefused: (code) => board.refused(null, code, unixMs(Date.now())),
    })
    if (!verdict.ok) throw new FaultError(verdict.fault, verdict.detail)
    this.#listeners = verdict.listeners
    this.#timers.push(
      setInterval(() => void this.#look(), ROSTER_MS),
      setInterval(() => this.#step({ on: 'tick' }), ROSTER_MS),
      setInterval(() => void this.#keeper.look(Date.now()), ROSTER_MS),
    )
  }

  /** One load at a time, begun after the call: an older snapshot must never come over a newer one,
   * or a device enrolled in between would be unknown again. All callers that ask while one runs
   * share the next. */
  refresh(): Promise<void> {
    this.#nextLoad ??= this.#loading.then(() => {
      this.#nextLoad = null
      const load = this.#load()
      this.#loading = load.catch(() => undefined)
      return load
    })
    return this.#nextLoad
  }

  rotateTrees(): Promise<void> {
    return this.#keeper.rotate(Date.now())
  }

  async close(): Promise<void> {
    this.#closing = true
    for (const timer of this.#timers) clearInterval(timer)
    await this.#listeners?.close()
    await this.#time.close()
  }

  #now(): Now {
    return this.#time.now()
  }

  async #load(): Promise<void> {
    const content = await this.#options.roster.load()
    this.#revision = content.revision
    // A device seen for the first time may have commands from before.
    this.#commandsRevision = -1
    const actions = this.#master.load(content, this.#now())
    this.#perform(actions)
    const whyClosed = this.#keeper.whyClosed.bind(this.#keeper)
    for (const line of unreadableLines(actions, whyClosed)) this.#options.log(...line)
  }

  /** Checks cheaply whether operators changed anything. */
  async #look(): Promise<void> {
    try {
      const revision = await this.#options.roster.revision()
      if (revision !== this.#revision && !this.#closing) await this.refresh()
      await this.#lookForCommands()
    } catch (error) {
      this.#options.log('OPS-08', `roster: ${errorText(error)}`)
    }
  }

  /** One look at a time: an older result must not overwrite a newer one. A change made meanwhile
   * has a higher revision than the one read first, so the next look sees it. */
  async #lookForCommands(): Promise<void> {
    if (this.#loadingCommands) return
    this.#loadingCommands = true
    const { commands } = this.#options
    try {
      const revision = await commands.revision()
      if (revision === this.#commandsRevision || this.#closing) return
      const open = await commands.open()
      this.#commandsRevision = revision
      this.#perform(this.#master.commands(open, this.#now()))
    } finally {
      this.#loadingCommands = false
    }
  }

  #admit(peer: FramedPeer): ReturnType<Parameters<typeof listen>[0]['onPeer']> {
    const link = this.#nextLink
    this.#nextLink += 1
    this.#peers.set(link, peer)
    const source = countedAddress(peer.remote)
    const { transport } = peer
    this.#step({ on: 'opened', link, transport, source, site: siteOf(source) })
    return {
      onBody: (body, at) => {
        this.#step({ on: 'body', link, body }, at)
        peer.widen(this.#master.bodyBytesMax(link))
        if (isFrame(body)) this.#sluice.brought(peer)
      },
      onClose: (fault) => {
        this.#peers.delete(link)
        this.#sluice.forget(peer)
        if (fault !== null) this.#options.board.refused(null, fault, unixMs(Date.now()))
        this.#step({ on: 'closed', link })
      },
    }
  }

  /** `arrived`: when the event's bytes arrived. */
  #step(event: MasterEvent, arrived?: MonoUs): void {
    if (this.#closing && event.on !== 'closed') return
    this.#perform(this.#master.step(event, this.#time.now(arrived)))
  }

  #perform(actions: readonly MasterAction[]): void {
    for (const action of actions) this.#act(action)
  }

  #act(action: MasterAction): void {
    const { board } = this.#options
    switch (action.do) {
      case 'send':
        this.#peers.get(action.link)?.send(action.body)
        return
      case 'drop': {
        const peer = this.#peers.get(action.link)
        this.#peers.delete(action.link)
        peer?.close()
        return
      }
      case 'enrol':
        void this.#enrol(action)
        return
      case 'commit-epoch':
        void this.#epochs.commit(action)
        return
      case 'append':
        void this.#append(action.device, action.frames)
        return
      case 'called-under':
        this.#keeper.called(action.device, action.tag)
        return
      case 'unreadable':
        board.refused(action.device, this.#keeper.whyClosed(action.wrapped), unixMs(Date.now()))
        return
      case 'anchor':
        this.#options.sink.anchor(action.device, action.anchor)
        return
      case 'recall':
        void this.#epochs.recall(action)
        return
      case 'drain':
        void this.#epochs.drain(action)
        return
      case 'revive':
        void this.#epochs.revive(action)
        return
      case 'named':
        void this.#epochs.named(action)
        return
      case 'doubt':
        void this.#epochs.doubt(action)
        return
      case 'connected':
        this.#peers.get(action.link)?.settle()
        board.connected(action.device, action.transport, unixMs(Date.now()))
        return
      case 'disconnected':
        board.disconnected(action.device, unixMs(Date.now()))
        return
      case 'command-sent':
        void this.#commandSent(action.device, action.number)
        return
      case 'receipt':
        void this.#receipt(action)
        return
      case 'status':
        board.status(action.device, action.status)
        return
      case 'meter-clock':
        board.meterClock(action.device, action.report, action.at)
        return
      case 'refused':
        board.refused(action.device, action.code, unixMs(Date.now()))
        return
    }
  }

  async #enrol(action: Extract<MasterAction, { do: 'enrol' }>): Promise<void> {
    const { keys, roster, log } = this.#options
    const { link, token, device, staticKey, psk, attempt } = action
    let result: 'stored' | 'conflict' | 'failed' = 'stored'
    try {
      const wrapped = keys.wrap(psk, { is: 'psk', device, staticKey })
      const entry = { token, device, staticKey, psk: wrapped, attempt }
      await this.#keeper.track(roster.enrol(entry))
      // The session handshake follows at once and needs the new key in memory.
      await this.refresh()
    } catch (error) {
      result = error instanceof RosterConflict ? 'conflict' : 'failed'
      log(result === 'conflict' ? 'SEC-08' : 'OPS-08', errorText(error))
    }
    this.#step({ on: 'enrolled', link, result })
  }

  async #append(device: DeviceId, frames: Parameters<Sink['append']>[0]): Promise<void> {
    let durable = true
    this.#sluice.enter(frames)
    try {
      await this.#options.sink.append(frames)
    } catch (error) {
      durable = false
      this.#options.log('OPS-08', `readings: ${errorText(error)}`)
    }
    // What waits behind this batch goes first, then the links may bring more.
    this.#step({ on: 'appended', device, durable })
    this.#sluice.leave(frames)
  }

  async #commandSent(device: DeviceId, number: number): Promise<void> {
    try {
      await this.#options.commands.sent(device, number)
    } catch (error) {
      this.#options.log('OPS-08', `command ${number}: ${errorText(error)}`)
    }
  }

  async #receipt({ device, receipt }: Extract<MasterAction, { do: 'receipt' }>): Promise<void> {
    const { number } = receipt
    let durable = true
    try {
      await this.#options.commands.receipt(device, receipt)
    } catch (error) {
      durable = false
      this.#options.log('OPS-08', `receipt of command ${number}: ${errorText(error)}`)
    }
    this.#step({ on: 'receipt-stored', device, number, durable })
    // The next command need not wait for the next look.
    await this.#look()
  }
}
