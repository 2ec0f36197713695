// The runner with a real outbox and a scripted agent: what each action leads to, and in what order.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Agent } from '../../services/slave/core/agent.ts'
import type { AgentAction, AgentEvent } from '../../services/slave/core/state/events.ts'
import type { Stored } from '../../services/slave/core/state/stored.ts'
import type { LinkHandlers } from '../../services/slave/shell/link/link.ts'
import { dsmr } from '../../services/slave/shell/meters/dsmr/descriptor.ts'
import type { LineConfig } from '../../services/slave/shell/meters/line-config.ts'
import type { LineEvent } from '../../services/slave/shell/meters/line-event.ts'
import { sem } from '../../services/slave/shell/meters/sem/descriptor.ts'
import { plansOf, Runner } from '../../services/slave/shell/runner.ts'
import { openLog } from '../../shared/node/log.ts'
import { monoUs, spanMs, spanUs, unixMs, unixUs } from '../../shared/units.ts'
import { DAY_MS, frameOf, LIMITS, open, query, runOf, step } from './outbox-fixture.ts'
import { folderFor } from '../fixtures/folder.ts'

const LINE: LineConfig = {
  url: 'tcp://192.0.2.1:4001',
  protocol: sem,
  meters: ['ED-1', 'ED-2'],
  standardOffsetMinutes: 0,
  everyMs: 5_000,
  history: true,
  profileIntervalMs: spanMs(900_000),
  clock: 'watch',
  open: () => assert.fail('the runner opens lines through its setup'),
}

/** A runner whose agent answers each event with the test's actions, and a record of what it did. */
function scene(t: TestContext, folder: string, answers: (event: AgentEvent) => AgentAction[]) {
  const events: AgentEvent[] = []
  const did: string[] = []
  const log: string[] = []
  const outside: { link: LinkHandlers | null; line: ((event: LineEvent) => void) | null } = {
    link: null,
    line: null,
  }
  const clocks = { mono: 0, sinceBoot: 0 }
  const startAgent = (stored: Stored): Agent => {
    return {
      step: (event) => {
        if (event.on !== 'tick') events.push(event)
        return answers(event)
      },
      view: () => ({
        device: null,
        linked: false,
        clock: unixUs(0),
        clockState: 'U',
        clockBoundMs: 0,
        backlog: stored.backlog,
        answersWaiting: 0,
        transactionsWaiting: 0,
        faults: new Map(),
      }),
    }
  }
  const runner = new Runner({
    outbox: open(folder),
    lines: [LINE],
    clock: {
      mono: () => monoUs(clocks.mono),
      wall: () => unixUs(0),
      sinceBoot: () => spanUs(clocks.sinceBoot),
    },
    log: openLog({ pretty: false, nowMs: () => 0, write: (line) => log.push(line) }),
    startAgent,
    openLink: (handlers) => {
      outside.link = handlers
      return {
        send: (body) => did.push(`send ${body.length}`) > 0,
        drop: (fault) => {
          did.push(`drop ${fault}`)
          handlers.onDown(fault, 'dropped')
        },
        close: async () => {
          did.push('close link')
        },
      }
    },
    openLine: (_config, onEvent) => {
      outside.line = onEvent
      return {
        read: (meter) => did.push(`read ${meter}`),
        readHistory: (meter, from, to) => did.push(`history ${meter} ${from}..${to}`),
        readClock: (meter) => did.push(`clock ${meter}`),
        changeClock: (meter, { how }, at) => did.push(`change ${meter} ${how} ${at}`),
        close: async () => {
          did.push('close line')
        },
      }
    },
  })
  t.after(() => runner.stop())
  return { runner, events, did, log, outside, clocks }
}

const names = (events: readonly AgentEvent[]) => events.map(({ on }) => on)

test('a commit is durable before the next event; its answer comes first, then the send', (t) => {
  const folder = folderFor(t)
  const { events, did, outside } = scene(t, folder, (event) => {
    if (event.on === 'link-up') return [{ do: 'commit', commit: step(1, 0) }]
    if (event.on === 'committed') return [{ do: 'fetch', query: query(1, -1) }]
    if (event.on !== 'fetched') return []
    return event.found.frames.map(({ body }) => ({ do: 'send', body }) as const)
  })
  outside.link?.onUp()
  assert.deepEqual(names(events), ['link-up', 'committed', 'fetched'])
  assert.deepEqual(did, ['send 200'])
})

test('meters are asked on their line; the agent hears how they fail', (t) => {
  const from = unixMs(0)
  const to = unixMs(900_000)
  const change = { how: 'light', utc: unixUs(0) } as const
  const { events, did, log, outside } = scene(t, folderFor(t), (event) =>
    event.on === 'link-up'
      ? [
          { do: 'read', meter: 'ED-2' },
          { do: 'read', meter: 'nobody' },
          { do: 'read-history', meter: 'ED-1', from, to },
          { do: 'read-clock', meter: 'ED-1', at: monoUs(0) },
          { do: 'change-clock', meter: 'ED-1', change, at: monoUs(7) },
        ]
      : [],
  )
  outside.link?.onUp()
  assert.deepEqual(did, [
    'read ED-2',
    'history ED-1 0..900000',
    'clock ED-1',
    'change ED-1 light 7',
  ])
  outside.line?.({ on: 'fault', meter: 'ED-1', fault: 'MTR-01', detail: '' })
  outside.line?.({ on: 'failed', meter: 'ED-1', request: 'history' })
  outside.line?.({ on: 'clock-read', meter: 'ED-1', found: 'unsupported' })
  outside.line?.({ on: 'clock-changed', meter: 'ED-1', became: 'ack' })
  assert.deepEqual(events.slice(1), [
    { on: 'meter-fault', fault: 'MTR-01' },
    { on: 'read-failed', meter: 'ED-1', request: 'history' },
    { on: 'clock-read', meter: 'ED-1', found: 'unsupported' },
    { on: 'clock-changed', meter: 'ED-1', became: 'ack' },
  ])
  assert.match(log.at(-1) ?? '', /"meter":"ED-1".*MTR-01/)
})

test('drop: the link ended, its fault logged once, and the agent hears that it is down', (t) => {
  const fault = { fault: 'SEC-11', detail: 'forged' } as const
  const { events, did, log, outside } = scene(t, folderFor(t), (event) =>
    event.on === 'body'
      ? [
          { do: 'report', ...fault },
          { do: 'drop', ...fault },
        ]
      : [],
  )
  outside.link?.onUp()
  outside.link?.onBody(new Uint8Array(1), monoUs(0))
  assert.deepEqual(did, ['drop SEC-11'])
  assert.equal(names(events).at(-1), 'link-down')
  assert.equal(events.filter(({ on }) => on === 'meter-fault').length, 0, 'the agent counted it')
  assert.equal(log.filter((line) => line.includes('"SEC-11"')).length, 1, log.join(''))
  // The next link goes down by itself, without another report of the reason.
  outside.link?.onUp()
  outside.link?.onDown('WIR-06', 'silent')
  assert.ok(events.some((event) => event.on === 'meter-fault' && event.fault === 'WIR-06'))
  assert.match(log.join(''), /WIR-06/)
})

test('after the machine slept, the agent hears of it before anything else', (t) => {
  const { events, outside, clocks } = scene(t, folderFor(t), () => [])
  clocks.mono += 1_000_000
  clocks.sinceBoot += 3_601_000_000
  outside.link?.onUp()
  outside.link?.onUp()
  assert.deepEqual(names(events), ['slept', 'link-up', 'link-up'])
})

test('OPS-14: the next clean-up drops what is too old, logged and counted', (t) => {
  const folder = folderFor(t)
  const outbox = open(folder)
  const now = 1_790_000_000_000
  outbox.commit({ runs: [runOf(1, 0), runOf(2, 0)], lastUsed: unixUs(now * 1_000) })
  outbox.commit({ frames: [frameOf(1, 0, undefined, now - LIMITS.ageMaxMs - DAY_MS)] })
  outbox.close()
  const { events, log, outside } = scene(t, folder, (event) =>
    event.on === 'link-up' ? [{ do: 'commit', commit: { tidy: true } }] : [],
  )
  outside.link?.onUp()
  const told = events.find((event) => event.on === 'committed')
  assert.deepEqual(
    told?.trimmed.map(({ run, first, dropped }) => [run, first, dropped]),
    [[1, 1, 'too old']],
  )
  assert.ok(events.some((event) => event.on === 'meter-fault' && event.fault === 'OPS-14'))
  assert.match(log.join(''), /OPS-14 .*1 frames/)
})

test('stop closes meters, then link, then the outbox; nothing moves afterwards', async (t) => {
  const folder = folderFor(t)
  const { runner, did, events, outside } = scene(t, folder, () => [])
  await runner.stop()
  assert.deepEqual(did, ['close line', 'close link'])
  const heard = events.length
  outside.link?.onUp()
  assert.equal(events.length, heard)
  open(folder).close()
})

test('a plan per meter: SEM is asked, P1 pushes', () => {
  const port = { ...LINE, protocol: dsmr, meters: ['P1'], history: false, profileIntervalMs: null }
  const lines = [{ ...LINE, clock: 'light' } as const, { ...port, standardOffsetMinutes: 60 }]
  const profile = { history: true, profileIntervalMs: 900_000 }
  const light = { keep: 'light', zone: 0 }
  const watch = { keep: 'watch', zone: 3_600_000_000 }
  assert.deepEqual(plansOf(lines), [
    { meter: 'ED-1', everyMs: 5_000, push: false, ...profile, clock: light },
    { meter: 'ED-2', everyMs: 5_000, push: false, ...profile, clock: light },
    { meter: 'P1', everyMs: 5_000, push: true, history: false, clock: watch },
  ])
})
