// What an operator says of entries that need attention, and the page they stand on.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { markOf } from '../../../services/billing/attention/core/mark.ts'
import { unixMs } from '../../../shared/units.ts'
import { createPasswords } from '../../../services/billing/access/shell/passwords.ts'
import { buildApp } from '../../../services/billing/site/http/app.ts'
import { Browser } from '../../fixtures/web-browser.ts'
import { createWorld } from '../../fixtures/web-world.ts'

const NOW = unixMs(Date.UTC(2026, 10, 30, 12))

test('to mute needs a later day and a reason, to close a reason', () => {
  const said = (values: object) => markOf({ do: '', until: '', reason: '', ...values }, NOW)
  assert.deepEqual(said({ do: 'seen' }), { mark: { kind: 'seen' }, errors: {} })
  assert.deepEqual(Object.keys(said({ do: 'close' }).errors), ['reason'])
  assert.deepEqual(Object.keys(said({ do: 'mute' }).errors), ['reason', 'until'])
  for (const until of ['2026-11-30', '2028-01-01', 'tomorrow', '2026-02-31']) {
    assert.deepEqual(Object.keys(said({ do: 'mute', until, reason: 'x' }).errors), ['until'])
  }
  assert.deepEqual(said({ do: 'mute', until: '2026-12-01', reason: 'x' }).mark, {
    kind: 'mute',
    until: Date.UTC(2026, 11, 1),
    reason: 'x',
  })
  assert.deepEqual(Object.keys(said({ do: 'close', reason: 'x'.repeat(301) }).errors), ['reason'])
  assert.deepEqual(Object.keys(said({ do: 'rm' }).errors), ['do'])
})

test('the first page after login lists it, with its remedy; a mark without a tick is told', async () => {
  const world = createWorld()
  const password = await createPasswords().hash('correct horse battery', Buffer.alloc(16, 7))
  world.operators.set('ada', { id: 1, password })
  const marks: unknown[] = []
  const attention = {
    ...world.deps.attention,
    mark: async (ids: readonly number[], mark: unknown, by: string) => {
      marks.push([ids, mark, by])
      return ids.length
    },
  }
  const app = await buildApp({ ...world.deps, attention })
  try {
    const browser = new Browser(app)
    const login = { name: 'ada', password: 'correct horse battery' }
    await browser.post('/login', login)
    assert.equal((await browser.get('/')).headers.location, '/attention')
    const { body } = await browser.get('/attention')
    assert.match(body, /Old Town cellar/)
    assert.match(body, /Device is not connected/)
    assert.match(body, /<a href="\/fleet">Devices<\/a>/)
    const blank = { do: 'close', reason: '', until: '' }
    const refused = await browser.post('/attention/mark?state=open', blank, '/attention')
    assert.equal(refused.statusCode, 422)
    assert.match(refused.body, /Tick at least one entry/)
    assert.match(refused.body, /Say why, for whoever looks here next/)
    const said = { do: 'close', reason: 'fuse replaced', until: '', id: '1' }
    const done = await browser.post('/attention/mark?state=open', said, '/attention')
    assert.equal(done.statusCode, 303)
    assert.deepEqual(marks, [[[1], { kind: 'close', reason: 'fuse replaced' }, 'Ada']])
  } finally {
    await app.close()
  }
})
