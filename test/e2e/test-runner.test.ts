// The test runner itself (tools/test.js): every way to fail is tried on a folder of samples.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { packageRoot } from '../../shared/node/root.ts'

const PASSES = "import { test } from 'node:test'\ntest('fine', () => {})\n"
const FAILS = "import { test } from 'node:test'\ntest('wrong', () => { throw new Error('no') })\n"
const LEAKS = `import { createServer } from 'node:net'\n${PASSES}createServer().listen(0, '127.0.0.1')\n`
/** Waits until the file that runs beside it has begun. */
const meets = (own: string, other: string): string => `import { test } from 'node:test'
import { existsSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
test('meets ${other}', { timeout: 5_000 }, async () => {
  writeFileSync(new URL('${own}.began', import.meta.url), '')
  for (let line = 1; line <= 3; line += 1) console.log('${own} says', line)
  while (!existsSync(new URL('${other}.began', import.meta.url))) await sleep(20)
})\n`
/** Fails when another file with the same content runs meanwhile. */
const ALONE = `import { test } from 'node:test'
import { rmdirSync, mkdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
const room = new URL('room', import.meta.url)
test('alone', async () => {
  mkdirSync(room)
  await sleep(300)
  rmdirSync(room)
})\n`
const HANGS =
  "import { test } from 'node:test'\ntest('hangs', () => new Promise(() => setInterval(() => {}, 1e3)))\n"

interface Run {
  readonly code: number
  readonly output: string
}

/** Runs tools/test.js on sample files; resolves with its exit code and everything it printed. */
function runner(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  ...options: readonly string[]
): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'ticklock-runner-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  const program = join(packageRoot(), 'tools/test.js')
  return new Promise((done) => {
    const child = execFile(
      process.execPath,
      [program, '--in', folder, '--floor', '1', ...options],
      { env: { ...process.env, TICKLOCK_GRACE_MS: '1000' } },
      (_, out, err) => done({ code: child.exitCode ?? -1, output: `${out}${err}` }),
    )
  })
}

// At once: each has a folder of its own, and mostly waits.
void describe('the test runner', { concurrency: true }, () => {
  test('a file that ends its process cannot hide what its neighbours would have said', async (t) => {
    for (const room of ['unit', 'e2e']) {
      const exits = { [`${room}/a.test.js`]: `process.exit(0)\n${PASSES}` }
      const { code, output } = await runner(t, exits)
      assert.equal(code, 1, output)
      assert.match(output, /ended before its tests did/)
    }
  })

  test('passes, and adds up what all processes ran', async (t) => {
    const { code, output } = await runner(t, { 'unit/a.test.js': PASSES, 'e2e/b.test.js': PASSES })
    assert.equal(code, 0, output)
    assert.match(output, /^ℹ tests 2$/m)
    assert.match(output, /^ℹ pass 2$/m)
  })

  test('a test that fails, a floor not reached, a pattern that matches nothing', async (t) => {
    const failing = await runner(t, { 'unit/a.test.js': PASSES, 'unit/b.test.js': FAILS })
    assert.equal(failing.code, 1)
    assert.match(failing.output, /^ℹ fail 1$/m)
    const few = await runner(t, { 'unit/a.test.js': PASSES }, '--floor', '2')
    assert.equal(few.code, 1)
    assert.match(few.output, /1 tests passed, the floor is 2/)
    const none = await runner(t, { 'unit/a.test.js': PASSES }, 'nothing-like-it')
    assert.equal(none.code, 1)
    assert.match(none.output, /no test file matches "nothing-like-it"/)
  })

  test('several patterns: a file runs when one matches; one without a file is an error', async (t) => {
    const files = { 'unit/a.test.js': PASSES, 'unit/b.test.js': FAILS, 'e2e/c.test.js': PASSES }
    const two = await runner(t, files, 'unit/a', 'e2e/')
    assert.equal(two.code, 0, two.output)
    assert.match(two.output, /^ℹ pass 2$/m)
    const one = await runner(t, files, 'unit/a', 'nothing-like-it')
    assert.equal(one.code, 1)
    assert.match(one.output, /no test file matches "nothing-like-it"/)
    assert.doesNotMatch(one.output, /no test file matches "unit/)
    assert.match(one.output, /^ℹ tests 0$/m)
  })

  test('end-to-end files run two at a time, what each says in one piece', async (t) => {
    const { code, output } = await runner(t, {
      'e2e/a.test.js': meets('a', 'b'),
      'e2e/b.test.js': meets('b', 'a'),
    })
    assert.equal(code, 0, output)
    assert.match(output, /a says 1\na says 2\na says 3\n/)
    assert.match(output, /b says 1\nb says 2\nb says 3\n/)
  })

  test('a file that needs a calm machine runs beside no other end-to-end file', async (t) => {
    const { code, output } = await runner(t, {
      'e2e/a.test.js': ALONE,
      'e2e/time-peers.test.js': ALONE,
      'unit/c.test.js': PASSES,
    })
    assert.equal(code, 0, output)
    assert.match(output, /^ℹ pass 3$/m)
  })

  test('the slowest files are listed with their seconds, shared ones too', async (t) => {
    const slow = PASSES.replace(
      '() => {}',
      'async () => { await new Promise((go) => setTimeout(go, 600)) }',
    )
    const files: Record<string, string> = { 'unit/slow.test.js': slow, 'e2e/slower.test.js': slow }
    for (let n = 1; n <= 10; n += 1) files[`unit/quick-${n}.test.js`] = PASSES
    const { code, output } = await runner(t, files)
    assert.equal(code, 0, output)
    const [, list = ''] = /^The slowest files:\n((?: +[\d.]+ s .*\n)+)/m.exec(output) ?? []
    const lines = list.trimEnd().split('\n')
    assert.equal(lines.length, 10, output)
    assert.match(lines[0] ?? '', /^ +\d+\.\d s {2}.*e2e\/slower\.test\.js$/)
    assert.match(lines[1] ?? '', /^ +0\.[67] s {2}.*unit\/slow\.test\.js$/)
    assert.match(output, /quick-\d+\.test\.js\n\nℹ tests 12$/m)
  })

  test('a file that leaves a server open is named, also in the shared process', async (t) => {
    const files = {
      'unit/a.test.js': PASSES,
      'unit/leaks.test.js': LEAKS,
      'e2e/too.test.js': LEAKS,
    }
    const { code, output } = await runner(t, files)
    assert.equal(code, 1)
    assert.match(output, /unit\/leaks\.test\.js: left open: .*TCPServerWrap/)
    assert.match(output, /e2e\/too\.test\.js: left open: .*TCPServerWrap/)
    assert.doesNotMatch(output, /unit\/a\.test\.js: /)
    assert.match(output, /^ℹ pass 3$/m)
  })

  test('a file that hangs is ended and named', async (t) => {
    const files = { 'unit/a.test.js': PASSES, 'unit/hangs.test.js': HANGS }
    const { code, output } = await runner(t, files, '--limit', '2000')
    assert.equal(code, 1)
    assert.match(output, /unit\/hangs\.test\.js: hangs/)
  })
})
