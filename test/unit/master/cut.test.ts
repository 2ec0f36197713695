// Links whose static key is no longer the device's are cut at the next look at the roster, whatever
// happened to the record in between and in whatever phase they are (wire.md 2.2).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RogueRun } from '../../../services/adversary/rogue.ts'
import type { MasterAction } from '../../../services/master/core/state.ts'
import { controlBody } from '../../../services/slave/core/control.ts'
import { beginEnrolment, receive } from '../../../services/slave/core/link/session.ts'
import { toHex } from '../../../shared/bytes.ts'
import type { DeviceRecord, TokenRecord } from '../../../shared/handover/roster.ts'
import { nodeRandom, nodeSuite } from '../../../shared/node/node-suite.ts'
import { Secret } from '../../../shared/secret.ts'
import { fingerprint } from '../../../shared/tves/token.ts'
import { plantTree } from '../../../shared/tves/tree.ts'
import { unixMs, usToMs } from '../../../shared/units.ts'
import { DEVICE, keyPair, SessionPair } from '../pairs/session-pair.ts'

/** The links that were cut, and why. */
const cuts = (actions: readonly MasterAction[]): string[] =>
  actions.flatMap((action) => (action.do === 'drop' ? [`${action.link} ${action.fault}`] : []))

const kinds = (actions: readonly MasterAction[]): string[] => actions.map(({ do: what }) => what)

/** What may happen to a device's record between two looks at the roster. */
const CHANGES: readonly (readonly [string, Partial<DeviceRecord> | null, string | null])[] = [
  ['nothing', {}, null],
  ['a new name', { name: 'cellar' }, null],
  ['psk wrapped anew', { psk: nodeRandom(32) }, null],
  ['revoked', { revoked: true }, 'SEC-14'],
  ['revoked and given a token', { staticKey: null, psk: null, attempt: 0 }, 'SEC-01'],
  ['enrolled by another key', { staticKey: keyPair().publicKey, attempt: 1 }, 'SEC-01'],
  ['enrolled again by its own key', { psk: nodeRandom(32), attempt: 2 }, 'SEC-01'],
  ['restored to before its enrolment', { staticKey: null, psk: null, attempt: 0 }, 'SEC-01'],
  ['restored to an older enrolment', { psk: nodeRandom(32), attempt: 0 }, 'SEC-01'],
  ['removed', null, 'SEC-01'],
]

for (const [what, changes, code] of CHANGES) {
  test(`${what}: ${code ?? 'nothing'} for a greeted, a founding and an open link`, () => {
    const pair = new SessionPair()
    const open = pair.greet()
    pair.confirm(open.link, open.welcome)
    pair.master.step({ on: 'epoch-committed', link: open.link, stored: true }, pair.now)
    const greeted = pair.greet()
    const expected = code === null ? [] : [`${open.link} ${code}`, `${greeted.link} ${code}`]
    assert.deepEqual(cuts(pair.load(changes)), expected)
    assert.deepEqual(cuts(pair.load(changes)), [], 'once')

    const other = new SessionPair()
    const founding = other.greet()
    other.confirm(founding.link, founding.welcome)
    const founded = code === null ? [] : [`${founding.link} ${code}`]
    assert.deepEqual(cuts(other.load(changes)), founded)
    const stored = { on: 'epoch-committed', link: founding.link, stored: true } as const
    const answer = kinds(other.master.step(stored, other.now))
    assert.equal(answer.includes('send'), code === null, 'no COMMITTED after the cut')
  })
}

test('a frame on its way to the sink when its link is cut is not acknowledged', () => {
  const pair = new SessionPair()
  const { link, welcome } = pair.greet()
  assert.ok(welcome.outcome.is === 'welcome' && welcome.outcome.epoch !== null)
  const { epoch: secret, answer } = welcome.outcome
  assert.ok(answer.origin !== null)
  pair.confirm(link, welcome)
  pair.master.step({ on: 'epoch-committed', link, stored: true }, pair.now)
  const epoch = { ...secret, origin: answer.origin, tree: plantTree(nodeSuite, secret.secret) }
  const device = Uint8Array.fromHex(DEVICE)
  const { own, psk, masterKeys } = pair
  const keys = { staticKey: own.privateKey, masterKey: masterKeys[0].publicKey, psk, device }
  const body = new RogueRun(keys, epoch, 1).opener(usToMs(pair.now.at))
  assert.deepEqual(kinds(pair.master.step({ on: 'body', link, body }, pair.now)), ['append'])
  pair.load({ staticKey: null, psk: null, attempt: 0 })
  const settled = { on: 'appended', device: DEVICE, durable: true } as const
  assert.deepEqual(kinds(pair.master.step(settled, pair.now)), [])
})

/** An enrolment up to the slave's step 3, which is not sent yet. */
function enrolling(pair: SessionPair) {
  const [id, secret, staticKey] = [nodeRandom(8), nodeRandom(16), nodeRandom(32)]
  const [, older] = pair.masterKeys
  const print = fingerprint(nodeSuite, older.publicKey)
  const record: TokenRecord = {
    id: toHex(id),
    device: DEVICE,
    secret,
    expiresAt: unixMs(2e12),
    burntBy: null,
  }
  pair.load({}, [record])
  const identity = { staticKey, attempt: 1, masterKey: null, psk: null, device: null }
  const token = { id, secret: new Secret(secret), fingerprint: print }
  const hello = beginEnrolment(pair.setup, identity, token)
  assert.ok(hello.send !== null)
  const link = pair.open()
  const { body } = pair.tell(link, hello.send)
  assert.ok(body !== null)
  const { send } = receive(pair.setup, hello.session, identity, body)
  assert.ok(send !== null)
  return { record, link, send, publicKey: nodeSuite.publicKey(staticKey) }
}

test('an enrolment ends when its token goes, is issued anew, or its device is revoked or gone', () => {
  const pair = new SessionPair()
  for (const [changes, code] of [
    [{}, null],
    [{ revoked: true }, 'SEC-14'],
    [null, 'SEC-07'],
  ] as const) {
    const { record, link } = enrolling(pair)
    const cut = code === null ? [] : [`${link} ${code}`]
    assert.deepEqual(cuts(pair.load(changes, [record])), cut)
    pair.close(link)
  }
  const gone = enrolling(pair)
  assert.deepEqual(cuts(pair.load({}, [])), [`${gone.link} SEC-07`])
  const anew = enrolling(pair)
  const other = { ...anew.record, secret: nodeRandom(16) }
  assert.deepEqual(cuts(pair.load({}, [other])), [`${anew.link} SEC-07`])
})

test('ENROLLED is not said when the device was revoked or given away while it was stored', () => {
  for (const [change, said] of [
    [{}, 'send'],
    [{ revoked: true }, 'drop'],
    [{ staticKey: null, psk: null }, 'drop'],
    [{ staticKey: keyPair().publicKey }, 'drop'],
  ] as const) {
    const pair = new SessionPair()
    const { record, link, send, publicKey } = enrolling(pair)
    assert.deepEqual(kinds(pair.master.step({ on: 'body', link, body: send }, pair.now)), ['enrol'])
    assert.deepEqual(cuts(pair.load({}, [record])), [], 'an older look, while it is being stored')
    const burnt = { ...record, burntBy: publicKey }
    const after = pair.load({ staticKey: publicKey, attempt: 1, ...change }, [burnt])
    const stored = { on: 'enrolled', link, result: 'stored' } as const
    const all = [...after, ...pair.master.step(stored, pair.now)]
    assert.ok(kinds(all).includes(said), JSON.stringify([change, kinds(all)]))
    const channelled = all.some((action) => action.do === 'send' && action.body[0] === 0x15)
    assert.equal(channelled, said === 'send')
  }
})

test('a device that was removed and comes back is a new one: its frames need a new session', () => {
  const pair = new SessionPair()
  const { link, welcome } = pair.greet()
  assert.deepEqual(cuts(pair.load(null)), [`${link} SEC-01`])
  assert.equal(pair.tell(pair.open(), pair.hello().send).refused, 'SEC-01')
  pair.load({})
  const late = controlBody(welcome.session, { is: 'confirm', epoch: 0, runs: [] })
  assert.ok(late !== null)
  assert.deepEqual(pair.tell(link, late), { body: null, refused: null })
  const again = pair.greet()
  assert.equal(pair.confirm(again.link, again.welcome).refused, null)
})
