// What anybody on the line can say in clear must not look like something the slave found out.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeSuite } from '../../../shared/node/node-suite.ts'
import { Secret } from '../../../shared/secret.ts'
import { monoUs, unixUs } from '../../../shared/units.ts'
import { refusal } from '../../../shared/wire/message.ts'
import { type Agent, startAgent } from '../../../services/slave/core/agent.ts'
import { Disk } from '../../sim/disk.ts'

function calling(): Agent {
  const agent = startAgent({
    suite: nodeSuite,
    random: (length) => new Uint8Array(length).fill(7),
    stored: new Disk(1_000).load(),
    token: {
      id: new Uint8Array(8),
      secret: new Secret(new Uint8Array(16)),
      fingerprint: new Uint8Array(16),
    },
    meters: [],
    wall: unixUs(1),
    mono: monoUs(0),
  })
  agent.step({ on: 'link-up' }, monoUs(1))
  agent.step({ on: 'committed', backlog: { frames: 0, bytes: 0 }, trimmed: [] }, monoUs(2))
  return agent
}

for (const [said, logged] of [
  ['SEC-08', 'SEC-08'],
  ['SEC-FORK', 'WIR-03'],
  ['CLK-06', 'WIR-03'],
  ['HELLO', 'WIR-03'],
] as const) {
  test(`a refusal ${said} in clear is logged as ${logged}, ends the link, is not counted`, () => {
    const agent = calling()
    const actions = agent.step({ on: 'body', body: refusal(said) }, monoUs(3))
    const detail = 'says the master, unauthenticated'
    assert.deepEqual(actions, [
      { do: 'report', fault: logged, detail },
      { do: 'drop', fault: logged, detail },
    ])
    assert.equal(agent.view(monoUs(4)).faults.size, 0)
  })
}
