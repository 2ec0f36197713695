import assert from 'node:assert/strict'
import { test } from 'node:test'
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
