// Settings and files that nobody could mean, through the real command line: one line with the code
// and the name, no secret, no stack.

import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { variableDefaults } from '../../services/variables.ts'
import { freePorts } from './ports.ts'
import { temporaryFolder } from './postgres.ts'
import { Process } from './whole-way.ts'

const SECRET = 's3cret'
const LOST = 'M\uFFFDhl'
const url = (scheme: string, ends: readonly string[]): readonly string[] =>
  ends.map((end) => `${scheme}://u:${SECRET}${end}`)

/** Values that each variable must refuse. */
const REFUSED: Readonly<Record<string, readonly string[]>> = {
  TICKLOCK_HTTP_PORT: ['http', '0'],
  TICKLOCK_TCP_PORT: ['65536'],
  TICKLOCK_WS_PORT: ['7444 '],
  TICKLOCK_NTP_PORT: ['-1'],
  TICKLOCK_PUBLIC_URL: ['ftp://pages.example', ...url('https', ['%@h', '@h', '@h/x'])],
  TICKLOCK_TRUSTED_PROXY: ['everybody', '10.0.0.0/0'],
  TICKLOCK_HOST: ['127.0.0.1:80', '999.0.0.1'],
  TICKLOCK_TIME_SOURCES: ['ftp://time', 'a.example,,b.example'],
  TICKLOCK_TIME_CA: ['/no/such/file', '/'],
  TICKLOCK_DATA: [LOST],
  DATABASE_URL: ['rubbish', ...url('postgres', ['%ff@h/d', '@h:port/d', '@h/d?sslrootcert=/none'])],
  TICKLOCK_MIGRATION_URL: ['rubbish', ...url('postgres', ['%ff@h/d', '@h/d'])],
  TICKLOCK_CLOCK_BOUND_MS: ['soon'],
  TICKLOCK_TOLERANCE_S: ['0'],
  TICKLOCK_HANDSHAKES_PER_SOURCE: ['many'],
  TICKLOCK_UTILITY: [LOST],
  TICKLOCK_UTILITY_ADDRESS: [LOST],
  TICKLOCK_UTILITY_CONTACT: [LOST],
  TICKLOCK_UTILITY_PAYMENT: [LOST],
  TICKLOCK_SMTP_URL: ['mail.example', ...url('smtps', ['%@h', '/1@h', '#@h', '@'])],
  TICKLOCK_MAIL_FROM: ['a@b.example, c@d.example'],
  TICKLOCK_SMS_URL: ['sms.example', ...url('twilio+https', ['%zz@h', '?@h'])],
  TICKLOCK_SMS_FROM: ['T\nX'],
  TICKLOCK_ZONE: ['Asia/Nashik'],
}

test('rubbish in any variable stops the start with OPS-05 and its name, and no secret', async (t) => {
  const { folder, remove } = temporaryFolder()
  t.after(remove)
  const [http, tcp, ws] = await freePorts(3)
  const env = {
    TICKLOCK_HTTP_PORT: String(http),
    TICKLOCK_TCP_PORT: String(tcp),
    TICKLOCK_WS_PORT: String(ws),
    TICKLOCK_NTP_PORT: '0',
    TICKLOCK_DATA: folder,
    TICKLOCK_MAIL_FROM: 'bills@utility.example',
    TICKLOCK_SMS_FROM: 'Utility',
  }
  assert.deepEqual(Object.keys(REFUSED).toSorted(), [...variableDefaults().keys()].toSorted())
  for (const [name, values] of Object.entries(REFUSED)) {
    for (const value of values) {
      const { code, output } = await new Process(['up'], { ...env, [name]: value }).ended
      const place = `${name}=${value}: ${output}`
      assert.equal(code, 1, place)
      assert.match(output, /^OPS-05 /m, place)
      assert.ok(output.includes(name), place)
      assert.ok(!output.includes(SECRET), place)
      assert.doesNotMatch(output, /\bat .*\.js/, place)
    }
  }
  assert.equal(existsSync(join(folder, 'postgresql')), false)
  // What `up` refuses, `doctor` does not pass.
  for (const name of ['TICKLOCK_SMTP_URL', 'TICKLOCK_SMS_URL']) {
    const doctor = await new Process(['doctor'], { ...env, [name]: 'host.example.org' }).ended
    assert.match(doctor.output, new RegExp(`^FAIL  mail and SMS: OPS-05 .*${name}`, 'm'))
  }
  const zone = { TICKLOCK_ZONE: 'Asia/Nashik', TICKLOCK_HTP_PORT: '1' }
  const device = await new Process(['device', 'attic'], { ...env, ...zone }).ended
  assert.match(device.output, /^OPS-05 .*TICKLOCK_ZONE="Asia\/Nashik"/m)
  assert.match(device.output, /^OPS-33 .*TICKLOCK_HTP_PORT; perhaps TICKLOCK_HTTP_PORT/m)
  assert.doesNotMatch(device.output, /\bat .*\.js/)
})

test('a list in Windows-1252 is refused with its place, or read when that is named', async (t) => {
  const { folder, remove } = temporaryFolder()
  t.after(remove)
  const file = join(folder, 'list.csv')
  const text = 'name;history_from\r\nM\u00fchl;none\r\nM\u00f6hl;none\r\n'
  writeFileSync(file, Buffer.from(text, 'latin1'))
  const enrol = (...more: readonly string[]) =>
    new Process(['enrol', file, ...more], { TICKLOCK_DATA: folder }).ended
  const refused = await enrol()
  assert.equal(refused.code, 1)
  assert.match(refused.output, /^OPS-05 .*line 2, column 2: byte FC is not UTF-8/m)
  // Read, it needs the database, which is not there.
  assert.match((await enrol('--encoding', 'windows-1252')).output, /^OPS-08 /m)
  assert.match((await enrol('--encoding', 'windows')).output, /^OPS-12 .*--encoding windows/m)
  writeFileSync(file, Buffer.from(text.replace('\u00f6', '\u00fc'), 'latin1'))
  const twice = await enrol('--encoding', 'windows-1252')
  assert.match(twice.output, /^OPS-05 .*line 3, column 1: "M\u00fchl" stands in line 2 already/m)
  assert.equal(readFileSync(file).length, text.length)
})

test('who reads only the first line of a report makes no stack trace', async (t) => {
  const { folder, remove } = temporaryFolder()
  t.after(remove)
  const doctor = new Process(['doctor'], { TICKLOCK_DATA: folder })
  doctor.child.stdout?.destroy()
  const { output } = await doctor.ended
  assert.doesNotMatch(output, /EPIPE|\bat .*\.js/)
})
