// Between the lanes and the link: where a session starts sending, what goes out, and what the
// master's answers do to the runs.

import { unreachable } from '../../../../shared/assert.ts'
import type { FaultCode } from '../../../../shared/faults.ts'
import { streamStart } from '../../../../shared/tves/stream.ts'
import { compactBody } from '../../../../shared/wire/compact.ts'
import type { ControlMessage, SealedUpTo } from '../../../../shared/wire/control.ts'
import { decodeFrame } from '../../../../shared/wire/frame.ts'
import { DEVICE_ID_BYTES } from '../../../../shared/wire/limits.ts'
import { newestEpoch, openRun, wantNewRun } from '../capture/sealing.ts'
import type { AgentEvent } from '../state/events.ts'
import { own } from '../state/own.ts'
import type { StoredRun } from '../state/stored.ts'
import { isOpen, report, sendControl, type Turn } from '../turn.ts'
import { acknowledge, expect, pump, type RunNews, type Stock, takeFetched } from './forwarder.ts'
import { compare, listRuns } from './inventory.ts'
import { closeLanes, openLanes } from './lanes.ts'
import { acknowledgedByWord, confirmedFork, runDurable, sessionOpened } from './runs.ts'

/** Why the link must go. */
export interface Ending {
  readonly fault: FaultCode
  readonly detail: string
  /** The next session asks for a new epoch. */
  readonly wantEpoch: boolean
}

/** What CONFIRM says of our streams. */
export function runsToConfirm({ state }: Turn): readonly SealedUpTo[] {
  const { sealer, next, highestRun } = state.sealing
  const entering = next.in === 'new epoch' ? next.id : undefined
  const sealing = [sealer?.epoch.id, entering].filter((id) => id !== undefined)
  const { runs, listAll, unproven } = state.outgoing
  return listRuns(runs, highestRun, sealing, listAll, unproven)
}

/** COMMITTED came, and the link is open: from here on frames may be sent. Null: it stays open. */
export function startForwarding(
  turn: Turn,
  message: Extract<ControlMessage, { is: 'committed' }>,
): Ending | null {
  const { state } = turn
  const outgoing = own(state.outgoing)
  const listedAll = outgoing.listAll
  outgoing.listAll = false
  sessionOpened(turn)
  const newest = newestEpoch(turn)?.id ?? null
  const startOf = ({ epoch, run }: StoredRun): Uint8Array => startOfRun(turn, epoch, run)
  const found = compare(outgoing.runs, message.runs, newest, state.sealing.highestRun, startOf)
  const doubtful = found.forks.filter(({ run, detail }) => !confirmedFork(turn, run, detail))
  const [doubt] = doubtful
  if (doubt !== undefined) return doubted(doubt.run, doubt.detail)
  for (const run of found.taken) runDurable(turn, run.run, run.last, run.lastHash)
  for (const { run, through, hash } of found.setBack) runDurable(turn, run, through, hash)
  for (const run of found.stranded) {
    // No frame of it is left, and the master could not place a tombstone.
    if (run.first > run.last) runDurable(turn, run.run, run.last, run.lastHash)
    else report(turn, 'SEC-04', `run ${run.run} waits in an epoch the master does not know`)
  }
  const lost = newest !== null && found.unknown.has(newest)
  // Every CONFIRM names the epoch we seal in, so a master that does not know it was set back.
  const sealing = state.sealing.sealer?.epoch.id ?? newest
  const forgot = sealing !== null && found.unknown.has(sealing)
  // It must be asked about every run before it takes an opener: after that it takes nothing of
  // earlier runs.
  if (lost || ((forgot || found.setBack.length > 0) && !listedAll)) {
    outgoing.listAll = true
    // What it knew to be drained, it may not know any more.
    outgoing.drained.clear()
    const detail = 'the master was set back: it is asked about every run'
    return { fault: lost || forgot ? 'SEC-04' : 'SEC-06', detail, wantEpoch: lost }
  }
  openLanes(outgoing.forwarder, found.starts, found.unknown)
  forward(turn)
  return null
}

const doubted = (run: number, detail: string): Ending => ({
  fault: 'SEC-FORK',
  detail: `run ${run}: ${detail}; asked again in a new session`,
  wantEpoch: false,
})

const startOfRun = ({ state, setup }: Turn, epoch: number, run: number): Uint8Array => {
  const device = state.link.identity?.device ?? new Uint8Array(DEVICE_ID_BYTES)
  return streamStart(setup.suite, device, epoch, run)
}

/** The link is gone. */
export function stopForwarding(turn: Turn): void {
  const outgoing = own(turn.state.outgoing)
  outgoing.predecessor = null
  outgoing.saidDrained = null
  outgoing.oldest = new Map()
  closeLanes(outgoing.forwarder)
}

/** The master refused a frame. Null: the link stays. */
export function takeExpect(
  turn: Turn,
  message: Extract<ControlMessage, { is: 'expect' }>,
): Ending | null {
  const verdict = expect(own(turn.state.outgoing).forwarder, message)
  if (verdict.is === 'drop') {
    const detail = 'refused by the master; a new epoch is asked for'
    return { fault: verdict.fault, detail, wantEpoch: true }
  }
  if (verdict.is === 'parked') report(turn, verdict.fault, 'an old epoch waits for the next link')
  forward(turn)
  return null
}

/** The master acknowledged frames: those whose hash is ours are durable there. */
export function takeAcknowledge(
  turn: Turn,
  message: Extract<ControlMessage, { is: 'acknowledge' }>,
): Ending | null {
  const outgoing = own(turn.state.outgoing)
  const news = acknowledge(outgoing.forwarder, outgoing.runs, message)
  // Old news answers a frame that the master calls spent: perhaps it reads our headers wrongly.
  if (news.is === 'nothing') outgoing.predecessor = null
  if (news.is === 'durable') acknowledgedByWord(turn, news.run)
  const ending = takeNews(turn, news)
  if (ending === null) forward(turn)
  return ending
}

/** The outbox answered a fetch. */
export function takeRows(turn: Turn, event: Extract<AgentEvent, { on: 'fetched' }>): Ending | null {
  const stock = stockOf(turn)
  const { forwarder } = own(turn.state.outgoing)
  const ending = stock === null ? null : takeNews(turn, takeFetched(forwarder, stock, event))
  if (ending === null) forward(turn)
  return ending
}

function stockOf(turn: Turn): Stock | null {
  const { state, setup } = turn
  const device = state.link.identity?.device ?? null
  const { runs } = state.outgoing
  return device === null ? null : { suite: setup.suite, device, runs, open: openRun(turn) }
}

/** Sends what the window allows. */
export function forward(turn: Turn): void {
  const { setup } = turn
  if (!isOpen(turn)) return
  const { forwarder, runs } = own(turn.state.outgoing)
  for (const out of pump(forwarder, { suite: setup.suite, runs })) {
    if (out.do === 'send') turn.actions.push({ do: 'send', body: shortened(turn, out.body) })
    else if (out.do === 'fetch') turn.actions.push(out)
    else tellGone(turn, out.message)
  }
}

/** Frames that do not come: the master learns which, the operator why. */
function tellGone(
  turn: Turn,
  message: Extract<ControlMessage, { is: 'tombstone' | 'skip' }>,
): void {
  if (message.is === 'skip') {
    report(turn, 'SEC-03', `run ${message.run}, frame ${message.sequence}: whole here, skipped`)
    // Without its opener the master reads nothing of a run (wire.md 8.2).
    if (message.run === openRun(turn) && message.sequence === 0) wantNewRun(turn)
  } else if (message.reason === 'damaged') {
    report(turn, 'OPS-16', `run ${message.run}, frames ${message.first} to ${message.last}`)
  }
  sendControl(turn, message)
}

/** The frame as it goes on this link: the compact header is used here alone (wire.md 8.1). */
function shortened(turn: Turn, body: Uint8Array): Uint8Array {
  const outgoing = own(turn.state.outgoing)
  const parts = decodeFrame(body)
  const line = compactBody(outgoing.predecessor, body, parts)
  outgoing.predecessor = parts?.header ?? null
  return line
}

function takeNews(turn: Turn, news: RunNews): Ending | null {
  switch (news.is) {
    case 'nothing':
      return null
    case 'fork': {
      const { run, detail } = news
      return confirmedFork(turn, run, detail) ? null : doubted(run, detail)
    }
    case 'ruined':
      wantNewRun(turn)
      return null
    case 'durable':
      runDurable(turn, news.run, news.through, news.hash)
      return null
    default:
      return unreachable(news)
  }
}
