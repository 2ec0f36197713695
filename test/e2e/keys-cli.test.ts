// The commands for keys and many devices, against a running head-end.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { nodeSuite } from '../../shared/node/node-suite.ts'
import { decodeToken, fingerprint } from '../../shared/tves/token.ts'
import { openKeyStore } from '../../services/master/shell/keys/key-store.ts'
import { Process, until, WholeWay } from './whole-way.ts'

let way: WholeWay
before(async () => {
  way = await WholeWay.open()
})
after(() => way.close())

const run = (...args: string[]) => new Process(args, way.env).ended
const keyFiles = (): string[] => readdirSync(join(way.folder, 'keys')).sort()

test('enrol: a whole file or nothing, tokens in a file of mode 0600 and nowhere else', async () => {
  const list = join(way.folder, 'list.csv')
  const out = join(way.folder, 'list.tokens.csv')
  const labels = join(way.folder, 'labels.html')
  writeFileSync(list, 'name,history_from\nattic,2026-03-01\n"cellar, left",none\n')
  const done = await run('enrol', list, '--labels', labels)
  assert.equal(done.code, 0, done.output)
  assert.match(done.output, /^2 devices enrolled/)
  for (const file of [out, labels]) assert.equal(statSync(file).mode & 0o777, 0o600)
  const [, first = ''] = readFileSync(out, 'utf8').split('\n')
  const text = /^attic,[0-9a-f]{16},([A-Z2-7]{64})$/.exec(first)?.[1] ?? ''
  const token = decodeToken(text)
  const [{ publicKey }] = openKeyStore(join(way.folder, 'keys')).staticKeys
  assert.deepEqual(token?.fingerprint, fingerprint(nodeSuite, publicKey))
  assert.ok(!`${done.output}${way.output}`.includes(text), 'no token is printed')
  const rows = await way.rows<{ name: string; history: string | null; tag: Buffer }>(
    `select name, history_from::text as history, t.master_key as tag
     from devices join enrolment_tokens t on t.device_id = devices.id order by name`,
  )
  assert.deepEqual(
    rows.map(({ name, history }) => [name, history?.slice(0, 10) ?? null]),
    [
      ['attic', '2026-03-01'],
      ['cellar, left', null],
    ],
  )

  const over = await run('enrol', list)
  assert.match(over.output, /OPS-05 .*nothing was enrolled.*attic, cellar, left/)
  writeFileSync(list, 'name\nattic\nshed\n')
  const taken = await run('enrol', list, '--skip-existing')
  assert.match(taken.output, /OPS-05 .*exists: delete it/, 'tokens are never written over')
  const more = await run('enrol', list, '--skip-existing', '--out', join(way.folder, 'more.csv'))
  assert.match(more.output, /^1 device enrolled; there already: attic$/m)
  writeFileSync(list, 'name\nnew one\nnew one\n')
  const twice = await run('enrol', list, '--out', join(way.folder, 'none.csv'))
  assert.equal(twice.code, 1)
  assert.match(twice.output, /OPS-05 .*line 3, column 1/)
  assert.equal(existsSync(join(way.folder, 'none.csv')), false)
  assert.equal(await way.count('select count(*) as count from devices'), 3)
})

test('rotate-wrap replaces the key of the trees; rotate-key waits for open tokens or is told not to', async () => {
  assert.ok(keyFiles().includes('trees-1.key'))
  const wrapped = await run('rotate-wrap')
  assert.equal(wrapped.code, 0, wrapped.output)
  const trees = keyFiles().filter((name) => /^trees|^rotate/.test(name))
  assert.deepEqual(trees, ['trees-2.key'])

  const made = await run('rotate-key')
  assert.equal(made.code, 0, made.output)
  const again = await run('rotate-key')
  assert.match(again.output, /OPS-12 .*two keys are held/)
  await until('the head-end took it', () => way.output.includes('static keys: 2'), 4_000)
  const status = await run('rotate-key', '--status')
  assert.match(status.output, /0 devices have not confirmed it, 3 open tokens are older/)
  assert.equal(
    keyFiles().filter((name) => /static/.test(name)).length,
    2,
    'tokens hold the old one',
  )
  const given = await run('rotate-key', '--give-up-old')
  assert.equal(given.code, 0, given.output)
  await until('the head-end noticed', () => way.output.includes('static keys: 1'), 4_000)
  const kept = ['master-static-2.key', 'trees-2.key', 'wrap.key']
  const mark = 'rows-are-bound'
  assert.deepEqual(keyFiles(), [...kept, mark].sort())

  // For a backup of an earlier version: the next start binds its rows.
  const unbound = await run('rotate-wrap', '--accept-unbound')
  assert.match(unbound.output, /^The next start of the head-end takes secrets that are bound to no/)
  assert.deepEqual(keyFiles(), kept)
  assert.match((await run('rotate-key', '--status')).output, /One static key/)
  assert.match((await run('rotate-key', '--give-up-old')).output, /OPS-12/)
})
