// Against PostgreSQL: rows of an earlier version are bound at the start, and rows that somebody
// exchanged in the database afterwards are refused and named.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createDevice, issueToken, openRoster } from '../../services/billing/fleet/db/roster.ts'
import { runMaster } from '../../services/master/main.ts'
import { openKeyStore } from '../../services/master/shell/keys/key-store.ts'
import { TreeKeys } from '../../services/master/shell/keys/tree-keys.ts'
import { WRAP_FORMS, wrapUnder } from '../../services/master/shell/keys/wrapping.ts'
import { nodeRandom, nodeSuite } from '../../shared/node/node-suite.ts'
import { encodeTree, plantTree } from '../../shared/tves/tree.ts'
import { unixMs } from '../../shared/units.ts'
import { testPostgres } from './postgres.ts'

const NAMES = ['anna', 'bert']

test('psks, tokens and trees swapped between two devices open for neither (OPS-30)', async (t) => {
  const postgres = await testPostgres()
  t.after(() => postgres.close())
  const { kysely, pool } = postgres.db
  const keys = openKeyStore(join(postgres.folder, '..', 'keys'))
  const trees = new TreeKeys(keys.folder, Date.now())
  const aeadOf = (file: string, skip: number) =>
    nodeSuite.aead(new Uint8Array(readFileSync(join(keys.folder, file)).subarray(skip)))
  const secretKey = { form: WRAP_FORMS.unboundSecret, id: 1, aead: aeadOf('wrap.key', 0) }
  const treeKey = { form: WRAP_FORMS.unboundTree, id: 1, aead: aeadOf('trees-1.key', 4) }
  const old = (secret: Uint8Array) => Buffer.from(wrapUnder(secretKey, secret, null))
  const roster = openRoster(kysely)
  for (const name of NAMES) {
    const device = await createDevice(kysely, { id: nodeRandom(8), name, historyFrom: null })
    const expiresAt = unixMs(Date.now() + 86_400_000)
    const token = { id: nodeRandom(8), device, expiresAt, masterKey: nodeRandom(4) }
    await issueToken(kysely, { ...token, secret: old(nodeRandom(16)) })
    const staticKey = Buffer.from(nodeRandom(32))
    await pool.query('update devices set static_key = $2, psk = $3, attempt = 1 where id = $1', [
      device,
      staticKey,
      old(nodeRandom(32)),
    ])
    const tree = wrapUnder(treeKey, encodeTree(plantTree(nodeSuite, nodeRandom(32))), null)
    const epoch = { id: 4_000_000_000, origin: unixMs(0), transcript: nodeRandom(32) }
    await roster.commitEpoch({ ...epoch, device, keys: tree, closed: false }, staticKey)
  }
  const { rows: devices } = await pool.query<{ id: string }>('select id from devices order by name')
  const ids = devices.map(({ id }) => id)

  const told: string[] = []
  const refused: string[] = []
  const start = async () => {
    told.length = 0
    refused.length = 0
    const master = await runMaster({
      keys,
      trees,
      roster,
      commands: {
        revision: async () => 0,
        open: async () => [],
        sent: async () => {},
        receipt: async () => {},
      },
      sink: { append: async () => {}, anchor: () => {} },
      board: {
        connected: () => {},
        disconnected: () => {},
        status: () => {},
        meterClock: () => {},
        headClock: () => {},
        refused: (device, code) => refused.push(`${NAMES[ids.indexOf(device ?? '')]} ${code}`),
      },
      tcp: null,
      ws: null,
      toleranceSeconds: 10,
      clockBoundUs: null,
      connectionsMax: 1,
      log: (code, detail) => told.push(`${code} ${detail}`),
      say: (line) => told.push(line),
    })
    await master.close()
  }
  await start()
  assert.deepEqual(told, ['wrapped secrets: 6 of an earlier version are bound to their rows now'])
  await start()
  assert.deepEqual([...told, ...refused], [], 'all opened')

  const swap = (table: string, column: string, device: string) =>
    pool.query(
      `update ${table} set ${column} = (select ${column} from ${table} other
         where other.${device} <> ${table}.${device})`,
    )
  await swap('devices', 'psk', 'id')
  await swap('enrolment_tokens', 'secret', 'device_id')
  await swap('epochs', 'keys', 'device_id')
  await start()
  assert.deepEqual(told, ['OPS-30 2 key trees, 2 psks, 2 tokens, of 2 devices'])
  assert.deepEqual(
    refused.toSorted(),
    ['anna', 'anna', 'anna', 'bert', 'bert', 'bert'].map((name) => `${name} OPS-30`),
  )
})
