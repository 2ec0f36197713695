// Slave and master core against each other, without a shell: the shortest way a reading can walk.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startMaster } from '../../../services/master/core/master.ts'
import type { MasterAction } from '../../../services/master/core/state.ts'
import { startAgent } from '../../../services/slave/core/agent.ts'
import type { AgentEvent } from '../../../services/slave/core/state/events.ts'
import type { OutboxCommit } from '../../../services/slave/core/state/stored.ts'
import { Disk } from '../../sim/disk.ts'
import { chanceOf } from '../../sim/prng.ts'
import { toHex } from '../../../shared/bytes.ts'
import type { AcceptedFrame } from '../../../shared/handover/sink.ts'
import { ACTIVE_IMPORT_TOTAL } from '../../../shared/meter/obis.ts'
import { nodeSuite } from '../../../shared/node/node-suite.ts'
import { Secret } from '../../../shared/secret.ts'
import { fingerprint } from '../../../shared/tves/token.ts'
import { monoUs, unixMs, unixUs } from '../../../shared/units.ts'

const random = chanceOf(1, 'spine').bytes

test('enrols, greets, commits an epoch, and a sealed reading becomes durable (wire.md 3 to 9)', () => {
  const suite = nodeSuite
  const privateKey = random(32)
  const staticKey = { privateKey, publicKey: suite.publicKey(privateKey) }
  const master = startMaster({
    suite,
    random,
    staticKeys: [staticKey],
    toleranceSeconds: 10,
    unwrap: (wrapped) => wrapped,
  })
  const token = {
    id: random(8),
    secret: new Secret(random(16)),
    fingerprint: fingerprint(suite, staticKey.publicKey),
  }
  const device = '00112233aabbccdd'
  const now = { at: unixUs(1_800_000_000_000_000), bound: 20_000 }
  let record = {
    id: device,
    name: 'attic',
    staticKey: null as Uint8Array | null,
    psk: null as Uint8Array | null,
    attempt: 0,
    revoked: false,
    historyFrom: null,
  }
  const load = (): void => {
    master.load(
      {
        devices: [record],
        tokens: [
          {
            id: toHex(token.id),
            device,
            secret: token.secret.reveal(),
            expiresAt: unixMs(2e12),
            burntBy: record.staticKey,
          },
        ],
        epochs: [],
        positions: [],
      },
      now,
    )
  }
  load()
  const agent = startAgent({
    suite,
    random,
    stored: new Disk(1_000).load(),
    token,
    meters: [{ meter: 'M-1', everyMs: 5_000, push: false, history: false }],
    wall: unixUs(1_800_000_000_500_000),
    mono: monoUs(0),
  })
  const disk = new Disk(1_000)
  const rows: AcceptedFrame[] = []
  const refused: string[] = []
  const reads: string[] = []
  const commits: OutboxCommit[] = []
  let mono = 1_000

  const toMaster = (actions: readonly MasterAction[]): void => {
    for (const action of actions) {
      if (action.do === 'send') toAgent({ on: 'body', body: action.body })
      if (action.do === 'refused') refused.push(action.code)
      if (action.do === 'enrol') {
        record = {
          ...record,
          staticKey: action.staticKey,
          psk: action.psk,
          attempt: action.attempt,
        }
        load()
        toMaster(master.step({ on: 'enrolled', link: 1, result: 'stored' }, now))
      }
      if (action.do === 'commit-epoch') {
        toMaster(master.step({ on: 'epoch-committed', link: 1, stored: true }, now))
      }
      if (action.do === 'append') {
        rows.push(...action.frames)
        toMaster(master.step({ on: 'appended', device: action.device, durable: true }, now))
      }
    }
  }
  const toAgent = (event: AgentEvent): void => {
    mono += 100
    for (const action of agent.step(event, monoUs(mono))) {
      if (action.do === 'send')
        toMaster(master.step({ on: 'body', link: 1, body: action.body }, now))
      if (action.do === 'commit') {
        commits.push(action.commit)
        const verdict = disk.commit(action.commit)
        assert.ok(verdict.ok)
        toAgent({ on: 'committed', backlog: verdict.backlog, trimmed: verdict.trimmed })
      }
      if (action.do === 'fetch') {
        const { query } = action
        toAgent({ on: 'fetched', epoch: query.epoch, found: disk.fetch(query) })
      }
      if (action.do === 'read') reads.push(action.meter)
      if (action.do === 'report') refused.push(`${action.fault} ${action.detail}`)
    }
  }

  master.step({ on: 'opened', link: 1, transport: 'tcp', source: 'here' }, now)
  toAgent({ on: 'link-up' })
  assert.deepEqual(refused, [])
  assert.equal(agent.view(monoUs(mono)).linked, true)
  toAgent({ on: 'tick' })
  assert.deepEqual(reads, ['M-1'])
  toAgent({
    on: 'readings',
    meter: 'M-1',
    request: 'now',
    more: false,
    at: monoUs(mono),
    readings: [
      {
        meter: 'M-1',
        register: ACTIVE_IMPORT_TOTAL,
        value: 123_456,
        exponent: 0,
        unit: 30,
        source: 'live',
        meterTime: null,
        checked: true,
      },
    ],
  })
  assert.deepEqual(refused, [])
  const [opener, frame] = rows
  assert.equal(rows.length, 2)
  assert.equal(opener?.content.kind, 'opener')
  assert.ok(frame?.content.kind === 'readings')
  assert.equal(frame.content.groups[0]?.readings[0]?.value, 123_456)
  mono += 1_000_000
  toAgent({ on: 'tick' })
  assert.equal(commits.at(-1)?.runs?.[0]?.acknowledged, 1)
  assert.equal(disk.backlog.frames, 0)
  assert.ok(disk.holds(1, 1), 'kept for a week')
})
