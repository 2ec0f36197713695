// The WebSocket door is for slaves: what a web page opens, in somebody's browser, is refused.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { listen } from '../../services/master/shell/listeners.ts'
import { monoUs } from '../../shared/units.ts'

const HOST = '127.0.0.1'
const LIMITS = { connections: 100, perAddress: 50, idleMs: 60_000, waitingBytesMax: 1_000_000 }

test('a WebSocket that a browser opens, with an Origin, is refused with 403 (wire.md 2)', async (t) => {
  const refused: string[] = []
  let peers = 0
  const verdict = await listen({
    tcp: null,
    ws: { host: HOST, port: 0, path: '/' },
    limits: LIMITS,
    clock: () => monoUs(performance.now() * 1_000),
    onPeer: () => {
      peers += 1
      return { onBody: () => undefined, onClose: () => undefined }
    },
    onRefused: (fault, address) => refused.push(`${fault} ${address}`),
  })
  assert.ok(verdict.ok)
  const { listeners } = verdict
  t.after(() => listeners.close())
  const url = `ws://${HOST}:${listeners.wsPort}/`
  for (const origin of ['https://evil.example', 'null', url.replace('ws:', 'http:')]) {
    const [refusal] = await once(new WebSocket(url, { origin }), 'error')
    assert.match(String(refusal), /403/, origin)
  }
  assert.deepEqual(
    refused,
    Array.from({ length: 3 }, () => `WIR-04 ${HOST}`),
  )
  assert.equal(peers, 0)
  await once(new WebSocket(url), 'open')
  assert.equal(peers, 1)
})
