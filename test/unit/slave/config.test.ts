import assert from 'node:assert/strict'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type ConfigVerdict, loadConfig } from '../../../services/slave/shell/config.ts'
import { packageRoot } from '../../../shared/node/root.ts'

const TOKEN = 'ABCD EFGH-'.repeat(8)

function load(t: TestContext, text: string | Uint8Array, mode = 0o600): ConfigVerdict {
  const folder = mkdtempSync(join(tmpdir(), 'ticklock-config-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'slave.toml')
  writeFileSync(path, text)
  chmodSync(path, mode)
  return loadConfig(path)
}

const HEAD = 'master = "tcp://head.example:4059"\n'
const LINE = '[[line]]\nurl = "tcp://192.0.2.1:4001"\nprotocol = "sem"\nmeters = ["ED-1"]\n'

test('the example file is valid and means what its comments say', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'ticklock-config-'))
  t.after(() => rmSync(folder, { recursive: true }))
  copyFileSync(join(packageRoot(), 'docs/examples/slave.toml'), join(folder, 'slave.toml'))
  const verdict = loadConfig(join(folder, 'slave.toml'))
  assert.ok(verdict.ok, JSON.stringify(verdict))
  const { config, warnings } = verdict
  assert.deepEqual(warnings, [])
  assert.equal(config.dataFolder, join(folder, 'data'))
  assert.deepEqual(config.master, { kind: 'tcp', host: 'head-end.example', port: 7443 })
  assert.equal(config.token, null)
  assert.equal(config.suite, 1)
  assert.deepEqual(
    config.lines.map(({ protocol, everyMs, history, meters }) => [
      protocol.name,
      everyMs,
      history,
      meters,
    ]),
    [
      ['sem', 60_000, true, ['ED-2401', 'ED-2402']],
      ['sem', 60_000, true, ['ED-2417']],
      ['dsmr', 60_000, false, ['P1-77']],
    ],
  )
  assert.deepEqual(config.outbox, {
    bytesMax: 512 * 1_048_576,
    framesMax: 2_000_000,
    ageMaxMs: 400 * 86_400_000,
  })
})

test('clocks are watched unless the line says light; a P1 port has no clock to set', (t) => {
  const keeps = (more: string, head = LINE) => {
    const verdict = load(t, `${HEAD}${head}${more}`)
    return verdict.ok ? verdict.config.lines[0]?.clock : verdict.detail
  }
  assert.equal(keeps(''), 'watch')
  assert.equal(keeps('clock = "watch"\n'), 'watch')
  assert.equal(keeps('clock = "light"\n'), 'light')
  assert.match(keeps('clock = "strong"\n') ?? '', /line\[1\]\.clock/)
  const port = LINE.replace('"sem"', '"dsmr"')
  assert.match(keeps('standard_offset_minutes = 60\nclock = "light"\n', port) ?? '', /P1 port/)
})

test('frames are padded when the file says so, and only then (wire.md 8.2)', (t) => {
  const pads = (text: string) => {
    const verdict = load(t, text)
    return verdict.ok && verdict.config.pad
  }
  assert.deepEqual([pads(HEAD + LINE), pads(`${HEAD}pad = true\n${LINE}`)], [false, true])
})

test('OPS-05 names line and field (shared/faults.ts)', (t) => {
  const cases: [text: string, says: RegExp][] = [
    [`${HEAD}${LINE}every = \n`, /slave\.toml line 6: /],
    [LINE, /slave\.toml, master: /],
    [`suite = 2\n${HEAD}${LINE}`, /line 1, suite: /],
    [`master = "head.example"\n${LINE}`, /line 1, master: "head\.example" is neither/],
    [`${HEAD}${LINE}every = 0\n`, /line 6, line\[1\]\.every: /],
    [`${HEAD}${LINE}${LINE}evry = 5\n`, /line 10, line\[2\]\.evry: Unrecognized key/],
    [`${HEAD}${LINE}[outbox]\n# small\nmax_mb = "8"\n`, /line 8, outbox\.max_mb: /],
    [`${HEAD}colour = "red"\n${LINE}`, /line 2, colour: Unrecognized/],
    [`${HEAD}token = "ABC"\n${LINE}`, /line 2, token: not an enrolment token/],
    [`${HEAD}${LINE}${LINE}`, /meter "ED-1" stands on two lines/],
    [`${HEAD}${LINE.replace('ED-1', 'ED 1')}`, /line 2, line\[1\]: "ED 1" is no meter number/],
    [`${HEAD}${LINE.replace('tcp:', 'udp:')}`, /line 2, line\[1\]: "udp:/],
    [`${HEAD}${LINE.replace('sem', 'dsmr')}`, /line 2, line\[1\]: .*standard_offset_minutes/],
    [`${HEAD}${LINE}${LINE.replace('sem', 'modbus')}`, /line 8, line\[2\]\.protocol: .*sem, dsmr/],
    [`${HEAD}${LINE}interval = 20\n`, /line 6, line\[1\]\.interval: .*1\|5\|10\|15\|30\|60/],
    [`${HEAD}a.b = 1\n"a(b" = 1\n${LINE}`, /Unrecognized/],
  ]
  for (const [text, says] of cases) {
    const verdict = load(t, text)
    assert.ok(!verdict.ok, text)
    assert.equal(verdict.fault, 'OPS-05')
    assert.match(verdict.detail, says)
  }
  assert.deepEqual(loadConfig('/nowhere/slave.toml'), {
    ok: false,
    fault: 'OPS-05',
    detail: '/nowhere/slave.toml cannot be read: ENOENT',
  })
})

test('OPS-10 warns when others can read the token, and only then', (t) => {
  const withToken = `token = "${TOKEN}"\n${HEAD}${LINE}`
  const closed = load(t, withToken)
  assert.ok(closed.ok, JSON.stringify(closed))
  assert.deepEqual(closed.warnings, [])
  assert.equal(closed.config.token?.id.length, 8)
  for (const mode of [0o640, 0o604]) {
    const verdict = load(t, withToken, mode)
    assert.deepEqual(verdict.ok && verdict.warnings.map(({ fault }) => fault), ['OPS-10'])
  }
  const without = load(t, HEAD + LINE, 0o644)
  assert.deepEqual(without.ok && without.warnings, [])
})

test('suite 0 is used only when the file asks for it', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'ticklock-config-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'slave.toml')
  writeFileSync(path, `suite = 0\n${HEAD}${LINE}`)
  const verdict = loadConfig(path)
  assert.equal(verdict.ok ? verdict.config.suite : verdict.detail, 0)
})

test('a token file beside the configuration is read, and its mode is checked', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'ticklock-config-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'slave.toml')
  writeFileSync(path, `token_file = "token"\n${HEAD}${LINE}`)
  writeFileSync(join(folder, 'token'), `${TOKEN}\n`)
  chmodSync(join(folder, 'token'), 0o644)
  const verdict = loadConfig(path)
  assert.ok(verdict.ok)
  assert.equal(verdict.config.token?.secret.reveal().length, 16)
  assert.doesNotMatch(JSON.stringify(verdict.config), /ABCD/)
  assert.deepEqual(verdict.warnings, [{ fault: 'OPS-10', detail: join(folder, 'token') }])
  rmSync(join(folder, 'token'))
  const later = loadConfig(path)
  assert.ok(later.ok && later.config.token === null)
  mkdirSync(join(folder, 'token'))
  const unreadable = loadConfig(path)
  assert.match(unreadable.ok ? '' : unreadable.detail, /line 1, token_file: .*EISDIR/)
})

test('a file that is not UTF-8 is refused with line and column; UTF-16 with its mark is read', (t) => {
  const text = `${HEAD}data = "M\u00fchl"\n${LINE}`
  const refused = load(t, Buffer.from(text, 'latin1'))
  assert.ok(!refused.ok)
  assert.match(refused.detail, /slave\.toml line 2, column 10: byte FC is not UTF-8/)
  // What a Windows shell writes when output is sent to a file.
  const wide = load(t, Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from(text, 'utf16le')]))
  assert.ok(wide.ok && wide.config.dataFolder.endsWith('M\u00fchl'), JSON.stringify(wide))
  const marked = load(t, `\uFEFF${text}`)
  assert.ok(marked.ok, JSON.stringify(marked))
})

test('a token in UTF-16 is read, one that is not text is refused with its place', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'ticklock-config-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'slave.toml')
  writeFileSync(path, `token_file = "token"\n${HEAD}${LINE}`, { mode: 0o600 })
  const withToken = (bytes: Uint8Array) => {
    writeFileSync(join(folder, 'token'), bytes, { mode: 0o600 })
    return loadConfig(path)
  }
  const wide = Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from(`${TOKEN}\r\n`, 'utf16le')])
  const read = withToken(wide)
  assert.ok(read.ok && read.config.token !== null, JSON.stringify(read))
  const refused = withToken(Buffer.from('ABCD\nEFG\xfc', 'latin1'))
  assert.ok(!refused.ok)
  assert.match(refused.detail, /token_file: \S*token line 2, column 4: byte FC/)
})
