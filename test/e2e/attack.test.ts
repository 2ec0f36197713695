// The command as an operator runs it, with two of its attacks; .ci/run runs them all.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Process } from './whole-way.ts'

test('ticklock attack says line by line what refused what, and ends with 0', async () => {
  const { code, output } = await new Process(['attack', 'bit flip'], {}).ended
  assert.equal(code, 0, output)
  assert.match(output, /^refused {2}bit flip .*SEC-0\d.* rows added 0, state moved none/m)
  assert.match(output, /^all refused$/m)
})
