// The thread of the head-end's clock: its sources' sockets, the NTP server's socket, and the clock
// they keep. The thread does nothing else, so its stamps are not late (docs/clock.md, Stamps).

import { networkInterfaces } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import {
  type Estimator,
  KNOWS_NOTHING,
  remembering,
} from '../../../../shared/clock/estimate/estimator.ts'
import { hasSlept, type Look } from '../../../../shared/clock/estimate/sleep.ts'
import type { SourceView } from '../../../../shared/clock/estimate/source.ts'
import { timeAt } from '../../../../shared/clock/estimate/softclock.ts'
import type { FaultCode } from '../../../../shared/faults.ts'
import { systemClock } from '../../../../shared/node/system-clock.ts'
import { openWallClock } from '../../../../shared/node/wall-edges.ts'
import { betweenMs, type MonoUs, shiftMono, spanUs, usToMs } from '../../../../shared/units.ts'
import {
  type HeadClock,
  type Kept,
  keepSystemTime,
  keepTime,
  sleptHead,
  startHeadClock,
} from '../../core/head-clock.ts'
import { reportOf } from '../../core/head-report.ts'
import { servedBy } from '../../core/ntp-serving.ts'
import { readDrift, writeDrift } from './drift-file.ts'
import { type NtpServer, serveNtp } from './ntp-socket.ts'
import type { FromTime, TimeThreadData, ToTime } from './time-messages.ts'
import type { RunningSource } from './time-source.ts'
import { refidOfAddress, Upstream } from './upstream.ts'

/** How often we check whether a source is due. */
const TICK_MS = 250
/** How often the clock is updated without a sample: bounds grow, leap seconds come. */
const KEEP_US = 1_000_000
/** Longest interval between two reports to operators, microseconds. */
const REPORT_US = 5_000_000
/** How often the frequency is written, microseconds: it changes with the weather. */
const DRIFT_US = 3_600_000_000
/** Most faults reported of one code a minute: forged datagrams must not fill the main thread's
 * queue with their faults. */
const FAULTS_PER_MINUTE = 20
const MINUTE_US = 60_000_000
/** Sources are polled again this long after a leap second: during it, servers differ by a
 * second. */
const AFTER_LEAP_US = 2_000_000

class TimeKeeper {
  readonly #setup: TimeThreadData
  readonly #send: (message: FromTime) => void
  readonly #wall = openWallClock()
  readonly #upstreams: readonly RunningSource[]
  readonly #ours = ourRefids()
  /** Faults reported of late per code: since when, and how often. */
  readonly #reportedFaults = new Map<
    FaultCode,
    { readonly since: MonoUs; readonly count: number }
  >()
  #head: HeadClock
  #server: NtpServer | null = null
  #timer: NodeJS.Timeout | null = null
  /** The machine has not slept since this look. */
  #awake: Look
  #keptAt: MonoUs
  #reportedAt: MonoUs | null = null
  #reported = ''
  #writtenAt: MonoUs
  #writeTrouble = ''

  constructor(setup: TimeThreadData, send: (message: FromTime) => void) {
    this.#setup = setup
    this.#send = send
    const mono = systemClock.mono()
    const begun = startHeadClock(mono, this.#wall.at(mono).at)
    // The clock of the thread before; the machine may have slept since.
    this.#head = setup.shared === null ? begun : { ...begun, clock: setup.shared.clock }
    this.#awake = setup.shared?.awake ?? { mono, sinceBoot: systemClock.sinceBoot() }
    this.#keptAt = mono
    this.#writtenAt = mono
    const estimator = knownOscillator(setup.driftFile)
    this.#upstreams = setup.sources.map(
      (source) =>
        new Upstream({
          source,
          polls: setup.polls,
          estimator,
          authorities: setup.authorities,
          mono: systemClock.mono,
          isTaken: (address, port) =>
            this.#upstreams.some((other) => other.of !== source && other.asks(address, port)),
          ours: () => this.#ours,
          onLearned: () => this.#keep(systemClock.mono(), true),
          onFault: (code, detail) => this.#fault(code, detail),
        }),
    )
  }

  async start(): Promise<void> {
    const { ntp } = this.#setup
    if (ntp !== null) {
      const verdict = await serveNtp({
        ...ntp,
        mono: systemClock.mono,
        timeAt: (mono) => timeAt(this.#head.clock, mono),
        served: (mono) => {
          this.#lookForSleep(mono)
          return servedBy(this.#head, this.#upstreams.length, mono)
        },
      })
      if (!verdict.ok) {
        this.#send({ on: 'failed', fault: verdict.fault, detail: verdict.detail })
        return
      }
      this.#server = verdict.server
    }
    this.#keep(systemClock.mono(), false)
    this.#send({ on: 'ready', ntpPort: this.#server?.port ?? null })
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
    this.#tick()
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#wall.close()
    this.#server?.close()
    for (const upstream of this.#upstreams) upstream.close()
    this.#writeDrift()
  }

  #tick(): void {
    const mono = systemClock.mono()
    this.#lookForSleep(mono)
    for (const upstream of this.#upstreams) upstream.tick(mono)
    if (mono - this.#keptAt >= KEEP_US) this.#keep(systemClock.mono(), false)
    if (mono - this.#writtenAt >= DRIFT_US) this.#writeDrift()
  }

  /** To be called before any use of the time: the first event after a sleep may be a datagram. */
  #lookForSleep(mono: MonoUs): void {
    const look: Look = { mono, sinceBoot: systemClock.sinceBoot() }
    if (!hasSlept(this.#awake, look)) return
    this.#awake = look
    this.#head = sleptHead(this.#head, mono)
    for (const upstream of this.#upstreams) upstream.forget(mono)
  }

  #keep(mono: MonoUs, learned: boolean): void {
    this.#lookForSleep(mono)
    this.#keptAt = mono
    const { head, faults, leapt } = this.#kept(mono, learned)
    this.#head = head
    for (const { code, detail } of faults) this.#fault(code, detail)
    if (leapt) {
      const later = shiftMono(mono, spanUs(AFTER_LEAP_US))
      for (const upstream of this.#upstreams) upstream.forget(later)
    }
    this.#send({ on: 'clock', shared: { clock: head.clock, awake: this.#awake } })
    this.#report(mono)
  }

  #kept(mono: MonoUs, learned: boolean): Kept {
    const { sources, systemBound } = this.#setup
    if (sources.length > 0) return keepTime(this.#head, this.#sources(mono), mono, learned)
    return keepSystemTime(this.#head, this.#wall.at(mono), systemBound, mono)
  }

  #sources(mono: MonoUs): readonly SourceView[] {
    return this.#upstreams.map((upstream) => upstream.view(mono))
  }

  /** Reports when anything changed that operators watch, and every few seconds. */
  #report(mono: MonoUs): void {
    const report = reportOf(this.#head, this.#sources(mono), mono, this.#wall.at(mono).at)
    const marks = report.sources.map(({ mark, reach }) => `${mark}${reach === 0}`).join()
    const key = `${report.state} ${report.reference} ${report.leap} ${report.stratum} ${marks}`
    const due = this.#reportedAt === null || mono - this.#reportedAt >= REPORT_US
    if (key === this.#reported && !due) return
    this.#reported = key
    this.#reportedAt = mono
    this.#send({ on: 'report', report })
  }

  #writeDrift(): void {
    this.#writtenAt = systemClock.mono()
    const { driftFile } = this.#setup
    const { followed } = this.#head
    const source = this.#upstreams.find(({ of }) => of.name === followed?.name)
    const learned = source?.frequency() ?? null
    if (driftFile === null || learned === null) return
    const trouble = writeDrift(driftFile, learned)
    if (trouble !== '' && trouble !== this.#writeTrouble) this.#fault('OPS-04', trouble)
    this.#writeTrouble = trouble
  }

  #fault(code: FaultCode, detail: string): void {
    const mono = systemClock.mono()
    const known = this.#reportedFaults.get(code)
    const fresh = known === undefined || mono - known.since >= MINUTE_US
    const { since, count } = fresh ? { since: mono, count: 0 } : known
    this.#reportedFaults.set(code, { since, count: count + 1 })
    if (count < FAULTS_PER_MINUTE) this.#send({ on: 'fault', code, detail })
  }
}

function knownOscillator(driftFile: string | null): Estimator {
  const drift = driftFile === null ? null : readDrift(driftFile)
  if (drift === null) return KNOWS_NOTHING
  return remembering(drift.prior, betweenMs(drift.writtenAt, usToMs(systemClock.wall())))
}

/** A source that follows one of our addresses follows us. The loopback does not count: several
 * servers may share it, as in tests. */
function ourRefids(): ReadonlySet<number> {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  return new Set(
    addresses.filter(({ internal }) => !internal).map(({ address }) => refidOfAddress(address)),
  )
}

if (parentPort === null) throw new Error('broken promise: runs in a thread of the master')
const port = parentPort
const send = (message: FromTime): void => port.postMessage(message, [])
const setup: TimeThreadData = workerData
const keeper = new TimeKeeper(setup, send)
port.on('message', ({ do: what }: ToTime) => {
  if (what !== 'close') return
  keeper.close()
  // The thread ends when its sockets are closed.
  port.close()
})
await keeper.start()
