// The primitives below TVES against Project Wycheproof: both providers, every case of our sizes.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { concat, toHex } from '../../shared/bytes.ts'
import { nodeSuite } from '../../shared/node/node-suite.ts'
import { packageRoot } from '../../shared/node/root.ts'
import { nobleSuite } from '../../shared/tves/noble-suite.ts'

const folder = join(packageRoot(), '../shared/vectors')
const skip =
  existsSync(folder) || process.env['REQUIRE_PEERS'] === '1' ? false : `no ${folder} here`
const suites = [nodeSuite, nobleSuite(nodeSuite)]

interface Case {
  readonly tcId: number
  readonly result: 'valid' | 'invalid' | 'acceptable'
  readonly flags: readonly string[]
}
interface Groups<Kind> {
  readonly testGroups: readonly {
    readonly keySize?: number
    readonly ivSize?: number
    readonly tests: readonly (Case & Kind)[]
  }[]
}

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text)

test('AES-256-GCM with 12-byte nonces: every Wycheproof case, both providers', { skip }, () => {
  const file: Groups<{
    key: string
    iv: string
    aad: string
    msg: string
    ct: string
    tag: string
  }> = JSON.parse(readFileSync(join(folder, 'wycheproof-aes_gcm_test.json'), 'utf8'))
  let ran = 0
  for (const group of file.testGroups) {
    if (group.keySize !== 256 || group.ivSize !== 96) continue
    for (const each of group.tests) {
      const sealed = concat(hex(each.ct), hex(each.tag))
      for (const suite of suites) {
        const aead = suite.aead(hex(each.key))
        const opened = aead.open(hex(each.iv), hex(each.aad), sealed)
        assert.equal(
          opened === null ? null : toHex(opened),
          each.result === 'valid' ? each.msg : null,
        )
        if (each.result !== 'valid') continue
        assert.deepEqual(aead.seal(hex(each.iv), hex(each.aad), hex(each.msg)), sealed)
      }
      ran += 1
    }
  }
  assert.ok(ran >= 60, `${ran} cases ran`)
})

test('X25519: every Wycheproof case; exactly the all-zero results are refused', { skip }, () => {
  const file: Groups<{ public: string; private: string; shared: string }> = JSON.parse(
    readFileSync(join(folder, 'wycheproof-x25519_test.json'), 'utf8'),
  )
  let refused = 0
  for (const each of file.testGroups.flatMap((group) => group.tests)) {
    const shared = nodeSuite.dh(hex(each.private), hex(each.public))
    const zero = each.flags.includes('ZeroSharedSecret')
    assert.equal(shared === null ? null : toHex(shared), zero ? null : each.shared, `${each.tcId}`)
    if (zero) refused += 1
  }
  assert.ok(refused >= 20, `${refused} refused`)
})
