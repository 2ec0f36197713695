// A password from standard input: as it was written, or refused.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

const MODULE = new URL(
  `../../../services/commands/work/secret-line.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`,
  import.meta.url,
)

/** What the command would get of these bytes, or the fault. */
function asked(input: Uint8Array): string {
  const script = `
    const { askSecret } = await import(${JSON.stringify(MODULE.href)})
    const said = await askSecret('Password').catch((error) => error.message)
    process.stdout.write(said)`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { input })
  return stdout.toString()
}

test('a password keeps its umlauts, loses a byte order mark, and is never another one', () => {
  const password = 'Gr\u00fc\u00dfe aus M\u00fchl'
  assert.equal(asked(Buffer.from(`${password}\r\nmore`)), password)
  assert.equal(asked(Buffer.from(`\uFEFF${password}\n`)), password)
  const wide = Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from(`${password}\r\n`, 'utf16le')])
  assert.equal(asked(wide), password)
  const refused = asked(Buffer.from(password, 'latin1'))
  assert.match(refused, /^OPS-12 .*password: not UTF-8/)
  assert.doesNotMatch(refused, /Gr|FC/)
  assert.match(asked(Buffer.from('')), /^OPS-12 .*no password on standard input/)
})
