// The same code in a browser: every frame of the vectors opens there.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'
import { packageRoot } from '../../shared/node/root.ts'
import { type FrameFile, openAll } from './browser-frames.ts'

const CHROMIUM = '/usr/bin/chromium'
const SKIP =
  existsSync(CHROMIUM) || process.env['REQUIRE_PEERS'] === '1'
    ? false
    : `${CHROMIUM} is absent (package chromium)`
const FLAGS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking']

interface Vectors extends FrameFile {
  readonly frames: readonly {
    readonly name: string
    readonly line: string
    readonly content: unknown
  }[]
}
const vectors: Vectors = JSON.parse(
  readFileSync(join(packageRoot(), 'test/vectors/frame.json'), 'utf8'),
)

/** What openAll must return: the contents as the file states them. */
function assertAll(said: string): void {
  const lines = said.split('\n')
  assert.equal(lines.length, vectors.frames.length, said)
  vectors.frames.forEach(({ name, content }, index) => {
    const line = lines[index] ?? ''
    assert.equal(line.slice(0, name.length + 1), `${name} `)
    assert.deepEqual(JSON.parse(line.slice(name.length)), content, name)
  })
}

test('every frame of frame.json opens without key agreement (wire.md 8)', () => {
  assertAll(openAll(vectors))
})

test('and in a browser, from a bundle of the same modules', { skip: SKIP }, async (t) => {
  const { outputFiles } = await build({
    stdin: {
      contents: `import { openAll } from './browser-frames.js'
        document.querySelector('pre').textContent = openAll(${JSON.stringify(vectors)})`,
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    format: 'iife',
    platform: 'browser',
    write: false,
    logLevel: 'warning',
  })
  const browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: FLAGS })
  t.after(() => browser.close())
  const page = await browser.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.setContent('<pre></pre>')
  await page.addScriptTag({ content: outputFiles[0]?.text ?? '' })
  assert.deepEqual(complaints, [])
  assertAll((await page.locator('pre').textContent()) ?? '')
})
