// A wrapped secret opens in the row and column it was made for, nowhere else: whoever can write the
// database cannot become another device by moving wraps about (threat-model.md).

import { EMPTY_ROSTER } from '../../fixtures/rosters.ts'
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startMaster } from '../../../services/master/core/master.ts'
import {
  acceptUnboundOnce,
  bindRows,
  rowsAreBound,
} from '../../../services/master/shell/keys/bound-rows.ts'
import { KeyKeeper } from '../../../services/master/shell/keys/key-keeper.ts'
import { openKeyStore } from '../../../services/master/shell/keys/key-store.ts'
import { TreeKeys } from '../../../services/master/shell/keys/tree-keys.ts'
import { WRAP_FORMS, wrapUnder } from '../../../services/master/shell/keys/wrapping.ts'
import type {
  DevicePlace,
  Roster,
  SecretPlace,
  StoredSecret,
} from '../../../shared/handover/roster.ts'
import { nodeRandom, nodeSuite } from '../../../shared/node/node-suite.ts'
import { unixUs } from '../../../shared/units.ts'

const ANNA = '00000000000000aa'
const BERT = '00000000000000bb'
const NOW = { at: unixUs(1_800_000_000_000_000), bound: 20_000 }

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'ticklock-wraps-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

const staticKey = nodeRandom(32)
/** Each differs from the first in one thing. */
const SECRETS: readonly DevicePlace[] = [
  { is: 'psk', device: ANNA, staticKey },
  { is: 'psk', device: BERT, staticKey },
  { is: 'psk', device: ANNA, staticKey: nodeRandom(32) },
  { is: 'token', device: ANNA, token: '0000000000000001' },
  { is: 'token', device: BERT, token: '0000000000000001' },
  { is: 'token', device: ANNA, token: '0000000000000002' },
  { is: 'tree', device: ANNA, epoch: 1 },
  { is: 'tree', device: BERT, epoch: 1 },
  { is: 'tree', device: ANNA, epoch: 2 },
]
const PLACES: readonly SecretPlace[] = [
  ...SECRETS,
  { is: 'service', service: 'mail', peer: 'implicit mail.example:465 anna' },
  { is: 'service', service: 'sms', peer: 'implicit mail.example:465 anna' },
  { is: 'service', service: 'mail', peer: 'implicit mail.example:465 bert' },
]

test('a wrap opens at its own device, column, static key, token, epoch or peer, and at no other', (t) => {
  const keys = openKeyStore(folderFor(t))
  const trees = new TreeKeys(keys.folder, 0)
  for (const store of [keys, trees]) {
    for (const made of PLACES) {
      const secret = nodeRandom(32)
      const wrapped = store.wrap(secret, made)
      const opensAt = PLACES.filter((place) => store.unwrap(wrapped, place) !== null)
      assert.deepEqual(opensAt, [made])
      assert.deepEqual(store.unwrap(wrapped, made), secret)
    }
  }
})

test('two devices whose psks were swapped in the database are both unreadable, with an alarm', (t) => {
  const keys = openKeyStore(folderFor(t))
  const wrapOf = (device: string, key: Uint8Array) =>
    keys.wrap(nodeRandom(32), { is: 'psk', device, staticKey: key })
  const [annas, berts] = [nodeRandom(32), nodeRandom(32)]
  const [annaPsk, bertPsk] = [wrapOf(ANNA, annas), wrapOf(BERT, berts)]
  const device = (id: string, key: Uint8Array, psk: Uint8Array) => {
    const rest = { name: id, attempt: 1, revoked: false, historyFrom: null }
    return { id, staticKey: key, psk, ...rest }
  }
  const privateKey = nodeRandom(32)
  const master = startMaster({
    suite: nodeSuite,
    random: nodeRandom,
    staticKeys: [{ privateKey, publicKey: nodeSuite.publicKey(privateKey) }],
    toleranceSeconds: 10,
    unwrap: (wrapped, place) => keys.unwrap(wrapped, place),
  })
  const load = (one: Uint8Array, other: Uint8Array) =>
    master.load(
      {
        devices: [device(ANNA, annas, one), device(BERT, berts, other)],
        tokens: [],
        epochs: [],
        positions: [],
      },
      NOW,
    )
  const told = (actions: ReturnType<typeof load>) =>
    actions.flatMap((action) => (action.do === 'unreadable' ? [[action.device, action.what]] : []))
  assert.deepEqual(told(load(annaPsk, bertPsk)), [])
  const both = [
    [ANNA, 'psk'],
    [BERT, 'psk'],
  ]
  assert.deepEqual(told(load(bertPsk, annaPsk)), both, 'while it runs')
  assert.deepEqual(told(load(bertPsk, annaPsk)), [], 'told once')
})

/** A roster whose only rows are these secrets, in one transaction. */
class Rows {
  rows: StoredSecret[] = []
  away = false

  async rewrapSecrets(rewrap: Parameters<Roster['rewrapSecrets']>[0]): Promise<void> {
    const made = rewrap(this.rows)
    if (this.away) throw new Error('rolled back')
    this.rows = this.rows.map((row, at) => ({ ...row, wrapped: made[at] ?? row.wrapped }))
  }
}

/** As earlier versions wrapped. */
function unboundWrap(folder: string, form: 'unboundSecret' | 'unboundTree', secret: Uint8Array) {
  const [name, skip] = form === 'unboundTree' ? (['trees-1.key', 4] as const) : ['wrap.key', 0]
  const aead = nodeSuite.aead(new Uint8Array(readFileSync(join(folder, name)).subarray(skip)))
  return wrapUnder({ form: WRAP_FORMS[form], id: 1, aead }, secret, null)
}

test('old rows are bound once; from then on an unbound wrap is OPS-30, until someone allows it', async (t) => {
  const keys = openKeyStore(folderFor(t))
  const trees = new TreeKeys(keys.folder, 0)
  const { folder } = keys
  const [psk, tree, older] = [nodeRandom(32), nodeRandom(90), nodeRandom(90)]
  const [atPsk, atTree, atOlder] = [0, 6, 8].map((at) => SECRETS[at])
  assert.ok(atPsk && atTree && atOlder)
  const old = unboundWrap(folder, 'unboundSecret', psk)
  const roster = new Rows()
  roster.rows = [
    { place: atPsk, wrapped: old },
    { place: atTree, wrapped: unboundWrap(folder, 'unboundTree', tree) },
    // The very first versions wrapped trees under wrap.key.
    { place: atOlder, wrapped: unboundWrap(folder, 'unboundSecret', older) },
    { place: atPsk, wrapped: nodeRandom(60) },
  ]
  const [, , , strange] = roster.rows
  roster.away = true
  await assert.rejects(bindRows({ keys, trees, roster }))
  assert.equal(rowsAreBound(folder), false, 'nothing was bound, so it is tried again')
  roster.away = false
  assert.equal(await bindRows({ keys, trees, roster }), 3)
  const opened = roster.rows.map(({ place, wrapped }) =>
    (place.is === 'tree' ? trees : keys).unwrap(wrapped, place),
  )
  assert.deepEqual(opened, [psk, tree, older, null])
  assert.deepEqual(roster.rows[3], strange, 'what does not open is left as it is')

  // Whoever writes the database puts the old row back.
  roster.rows = [{ place: atPsk, wrapped: old }]
  assert.equal(await bindRows({ keys, trees, roster }), 0)
  assert.equal(keys.unwrap(old, atPsk), null)
  const setup = { keys, trees, log: () => {}, say: () => {}, renewKeys: () => {}, tree: () => null }
  const keeper = new KeyKeeper({ ...setup, roster: openRosterOf(roster) })
  assert.equal(keeper.whyClosed(old), 'OPS-30')
  assert.equal(keeper.whyClosed(keys.wrap(psk, atPsk)), 'OPS-30', 'ours, so it was moved')
  const other = openKeyStore(folderFor(t)).wrap(psk, atPsk)
  assert.equal(keeper.whyClosed(other), 'OPS-24', 'of a key that is not here')

  acceptUnboundOnce(folder)
  assert.equal(await bindRows({ keys, trees, roster }), 1, 'a restored backup')
  assert.deepEqual(keys.unwrap(roster.rows[0]?.wrapped ?? old, atPsk), psk)
})

const openRosterOf = (rows: Rows): Roster => ({
  ...EMPTY_ROSTER,
  rewrapSecrets: (rewrap) => rows.rewrapSecrets(rewrap),
})
