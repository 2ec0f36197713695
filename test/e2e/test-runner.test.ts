// The test runner itself (tools/test.js): each way to fail is tried on a folder of samples.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { packageRoot } from '../../shared/node/root.ts'

const PASSES = "import { test } from 'node:test'\ntest('fine', () => {})\n"
const FAILS = "import { test } from 'node:test'\ntest('wrong', () => { throw new Error('no') })\n"
const LEAKS = `import { createServer } from 'node:net'\n${PASSES}createServer().listen(0, '127.0.0.1')\n`
const HANGS =
  "import { test } from 'node:test'\ntest('hangs', () => new Promise(() => setInterval(() => {}, 1e3)))\n"

interface Run {
  readonly code: number
  readonly output: string
}

/** Runs tools/test.js over sample files; resolves with its exit code and all it said. */
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

test('passes and sums up what both phases ran', async (t) => {
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

test('a file that leaves a server open is named, also in the shared process', async (t) => {
  const files = { 'unit/a.test.js': PASSES, 'unit/leaks.test.js': LEAKS, 'e2e/too.test.js': LEAKS }
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
