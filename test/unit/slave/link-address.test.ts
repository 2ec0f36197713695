import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Admission, countedAddress } from '../../../services/master/shell/admission.ts'
import { parseLinkAddress } from '../../../services/slave/shell/link/address.ts'

test('reads the addresses of a master, refuses what nobody would read', () => {
  assert.deepEqual(parseLinkAddress('tcp://head.example:4059'), {
    kind: 'tcp',
    host: 'head.example',
    port: 4059,
  })
  const six = parseLinkAddress('tcp://[2001:db8::1]:4059')
  assert.deepEqual(six, { kind: 'tcp', host: '2001:db8::1', port: 4059 })
  const ws = parseLinkAddress('ws://192.0.2.1:8080/tves')
  assert.deepEqual(ws, { kind: 'ws', url: 'ws://192.0.2.1:8080/tves' })
  assert.equal(parseLinkAddress('wss://head.example/tves')?.kind, 'ws')
  const bad = [
    'tcp://head.example',
    'tcp://h:0',
    'tcp://h:99999',
    'tcp://h:1/path',
    'http://h:1',
    'h:1',
    '',
  ]
  for (const text of [...bad, 'ws://u:p@h/', 'ws://h/#f', 'ws://h/?q']) {
    assert.equal(parseLinkAddress(text), null, text)
  }
})

test('IPv4 counts as it is, also mapped; IPv6 by its /64 (RFC 4291 2.5.4)', () => {
  assert.equal(countedAddress('192.0.2.1'), '192.0.2.1')
  assert.equal(countedAddress('::ffff:192.0.2.1'), '192.0.2.1')
  assert.equal(countedAddress('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64')
  assert.equal(countedAddress('2001:db8::6'), '2001:db8:0:0::/64')
  assert.equal(countedAddress('::1'), '0:0:0:0::/64')
  assert.equal(countedAddress('fe80::1%eth0'), 'fe80:0:0:0::/64')
})

test('WIR-05: the limits hold at both edges, and nothing is remembered of a source that left', () => {
  const admission = new Admission({ connections: 3, perAddress: 2 })
  const leave = admission.admit('192.0.2.1')
  assert.ok(leave !== null && admission.admit('192.0.2.1') !== null)
  assert.equal(admission.admit('::ffff:192.0.2.1'), null)
  assert.ok(admission.admit('192.0.2.2') !== null)
  assert.equal(admission.admit('192.0.2.3'), null)
  leave()
  assert.ok(admission.admit('192.0.2.3') !== null)
  assert.equal(admission.connections, 3)
})
