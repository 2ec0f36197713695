// The command as an operator runs it, with a few of its attacks; .ci/run runs them all.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Process } from './whole-way.ts'

for (const [name, code] of [
  ['squatter', 'SEC-13'],
  ['poisoners', 'BIL-15'],
] as const) {
  test(`one device can neither own what is not its own nor stop the others: ${name}`, async () => {
    const { code: ended, output } = await new Process(['attack', name], {}).ended
    assert.equal(ended, 0, output)
    const line = new RegExp(
      `^refused {2}${name} .* us each; .*${code}.* rows added 0, state moved`,
      'm',
    )
    assert.match(output, line)
  })
}

test('ticklock attack says line by line what refused what, and ends with 0', async () => {
  const { code, output } = await new Process(['attack', 'bit flip'], {}).ended
  assert.equal(code, 0, output)
  assert.match(output, /^refused {2}bit flip .*SEC-0\d.* rows added 0, state moved none/m)
  assert.match(output, /^all refused$/m)
})
