// The hourly rotation of the trees' wrap key with as many epochs as a large fleet has, in a real
// database and through the master's core.

import assert from 'node:assert/strict'
import { openRoster } from '../../services/billing/fleet/db/roster.ts'
import { startMaster } from '../../services/master/core/master.ts'
import { openKeyStore } from '../../services/master/shell/keys/key-store.ts'
import { rotateTreeKey, TreeKeys } from '../../services/master/shell/keys/tree-keys.ts'
import { nodeRandom, nodeSuite } from '../../shared/node/node-suite.ts'
import { encodeTree, leafAt, plantTree } from '../../shared/tves/tree.ts'
import { second, unixUs } from '../../shared/units.ts'
import { stallWatch } from './key-rotation.ts'
import { testPostgres } from './postgres.ts'

/** Everything is acknowledged up to this second since the origin: a tree of the usual size. */
const ACKNOWLEDGED = 1_234_567

export async function rewrapMany(
  epochs: number,
): Promise<{ readonly totalMs: number; readonly stallMs: number }> {
  const postgres = await testPostgres()
  try {
    const { db, folder } = postgres
    const keyFolder = `${folder}-keys`
    const keys = openKeyStore(keyFolder)
    const trees = new TreeKeys(keyFolder, Date.now())
    const { tree } = leafAt(
      nodeSuite,
      plantTree(nodeSuite, nodeRandom(32)),
      second(ACKNOWLEDGED),
    ) ?? { tree: null }
    assert.ok(tree !== null)
    const ids = Array.from({ length: epochs }, (_, at) => at.toString(16).padStart(16, '0'))
    const blobs = ids.map((device) =>
      Buffer.from(trees.wrap(encodeTree(tree), { is: 'tree', device, epoch: 1 })),
    )
    await db.pool.query(
      'insert into devices (id, name) select id, id from unnest($1::text[]) as id',
      [ids],
    )
    await db.pool.query(
      `insert into epochs (device_id, keys, id, origin, transcript)
       select e.*, 1, now(), '\\x00' from unnest($1::text[], $2::bytea[]) as e`,
      [ids, blobs],
    )
    const roster = openRoster(db.kysely)
    const unwrap = trees.unwrap.bind(trees)
    const master = startMaster({
      suite: nodeSuite,
      random: nodeRandom,
      staticKeys: keys.staticKeys,
      toleranceSeconds: 10,
      unwrap,
    })
    master.load(await roster.load(), { at: unixUs(Date.now() * 1_000), bound: 1 })
    const stalls = stallWatch()
    const from = performance.now()
    const rotated = await rotateTreeKey({
      trees,
      roster,
      current: (device, epoch) => master.tree(device, epoch),
      unwrap,
      settled: async () => {},
      nowMs: Date.now(),
    })
    const totalMs = performance.now() - from
    const stallMs = stalls()
    assert.equal(rotated.epochs, epochs)
    const { rows } = await db.pool.query<{ device: string; keys: Buffer }>(
      'select device_id as device, keys from epochs',
    )
    const opens = ({ device, keys: blob }: (typeof rows)[number]): boolean =>
      trees.unwrap(blob, { is: 'tree', device, epoch: 1 }) !== null
    assert.ok(rows.every(opens))
    return { totalMs, stallMs }
  } finally {
    await postgres.close()
  }
}
