// TICKLOCK_TIME_SOURCES as operators write it, the drift file, and the refids of addresses.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { readDrift, writeDrift } from '../../../services/master/shell/time/drift-file.ts'
import { parseTimeSources } from '../../../services/master/shell/time/time-source.ts'
import { refidOfAddress } from '../../../services/master/shell/time/upstream.ts'
import { readSettings } from '../../../services/settings.ts'
import { ppm } from '../../../shared/units.ts'
import { folderFor } from '../../fixtures/folder.ts'

test('names, addresses, ports and nts: are read; their defaults are 123 and 4460', () => {
  assert.deepEqual(parseTimeSources('  '), [])
  assert.deepEqual(
    parseTimeSources(
      'ntp1.example.org, NTP2.example.org:1123,nts:time.example.org ,[2001:DB8::1]:9',
    ),
    [
      { name: 'ntp1.example.org', kind: 'ntp', host: 'ntp1.example.org', port: 123 },
      { name: 'NTP2.example.org:1123', kind: 'ntp', host: 'ntp2.example.org', port: 1123 },
      { name: 'nts:time.example.org', kind: 'nts', host: 'time.example.org', port: 4460 },
      { name: '[2001:DB8::1]:9', kind: 'ntp', host: '2001:db8::1', port: 9 },
    ],
  )
})

test('what is not a source is quoted in the refusal: OPS-05 names the variable', () => {
  const wrong = [
    'a,,b',
    'a b',
    'a:0',
    'a:65536',
    'a:x',
    'ntp://a',
    'nts:',
    '2001:db8::1',
    '[a]',
    '[127.0.0.1]',
    '-a',
    'a..b',
    'a, A',
    'a,a:123',
    'a.example,a.example.',
    '[2001:db8::1],[2001:DB8:0:0::1]',
    Array.from({ length: 11 }, (_, index) => `a${index}`).join(),
  ]
  for (const text of wrong) assert.equal(typeof parseTimeSources(text), 'string', text)
  assert.ok(Array.isArray(parseTimeSources('a, a:124, nts:a')))
  assert.ok(Array.isArray(parseTimeSources(wrong.at(-1)?.replace(',a10', '') ?? '')))
  assert.throws(
    () => readSettings({ TICKLOCK_TIME_SOURCES: 'a b' }),
    /OPS-05.*TICKLOCK_TIME_SOURCES/,
  )
  assert.throws(() => readSettings({ TICKLOCK_NTP_PORT: '65536' }), /OPS-05.*TICKLOCK_NTP_PORT/)
  assert.equal(readSettings({ TICKLOCK_NTP_PORT: '0' }).ntpPort, 0)
  assert.equal(readSettings({}).ntpPort, 7_123)
})

test('the frequency survives a restart; a file of nonsense is ignored', (t) => {
  const folder = dirname(folderFor(t))
  const path = join(folder, 'clock.drift')
  assert.equal(readDrift(path), null)
  assert.equal(writeDrift(path, { frequency: ppm(-12.3456789), deviation: ppm(0.01) }), '')
  assert.equal(readFileSync(path, 'utf8'), '-12.345679 0.010000\n')
  const drift = readDrift(path)
  assert.deepEqual(drift?.prior, { frequency: -12.345679, deviation: 0.01 })
  assert.ok(Math.abs((drift?.writtenAt ?? 0) - Date.now()) < 60_000)
  for (const text of ['', 'x', '99999.0 1.0\n', '1.0 -1.0\n', '1.0 1.0', 'NaN NaN\n']) {
    writeFileSync(path, text)
    assert.equal(readDrift(path), null, text)
  }
  assert.notEqual(
    writeDrift(join(folder, 'no', 'such'), { frequency: ppm(1), deviation: ppm(1) }),
    '',
  )
})

test('the refid of an address is the address, or begins its MD5 (RFC 5905, 7.3)', () => {
  assert.equal(refidOfAddress('1.2.3.4'), 0x01020304)
  assert.equal(refidOfAddress('255.0.0.1'), 0xff000001)
  // MD5 of fifteen zero bytes and a one, computed with md5sum.
  assert.equal(refidOfAddress('::1').toString(16), 'cf404dc8')
  assert.equal(refidOfAddress('0:0:0:0:0:0:0:1'), refidOfAddress('::1'))
  assert.equal(refidOfAddress('::ffff:1.2.3.4'), refidOfAddress('::ffff:102:304'))
  assert.notEqual(refidOfAddress('fe80::1%eth0'), refidOfAddress('::1'))
})
