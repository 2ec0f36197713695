// ML-KEM-768 of both providers against Project Wycheproof. node:crypto draws the randomness of an
// encapsulation itself, so the cases that prescribe it run on @noble, and node:crypto is held to
// what its result opens to.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { toHex } from '../../../shared/bytes.ts'
import { KEM_SEED_BYTES } from '../../../shared/tves/suite.ts'
import { hex, skip, suites, wycheproof } from './official.ts'

const providers = Object.entries(suites)

test('ML-KEM-768: all 100 key pairs of a seed (Wycheproof)', { skip }, (t) => {
  const cases = wycheproof<{ seed: string; ek: string; dk: string }>(
    'wycheproof-mlkem_768_keygen_seed_test.json',
  )
  for (const [name, { kem }] of providers) {
    for (const { seed, ek } of cases) assert.equal(toHex(kem.encapsulationKey(hex(seed))), ek)
    t.diagnostic(`${cases.length} cases, ${name}`)
  }
  for (const { seed, dk } of cases) {
    assert.equal(toHex(ml_kem768.keygen(hex(seed)).secretKey), dk, 'the oracle itself')
  }
  assert.equal(cases.length, 100)
})

test('ML-KEM-768: all 265 encapsulations (Wycheproof); malformed keys are refused', {
  skip,
}, (t) => {
  const cases = wycheproof<{ m: string; ek: string; c: string; K: string }>(
    'wycheproof-mlkem_768_encaps_test.json',
  )
  const valid = cases.filter(({ result }) => result === 'valid')
  for (const [name, { kem }] of providers) {
    for (const one of cases) {
      const made = kem.encapsulate(hex(one.ek))
      assert.equal(made !== null, one.result === 'valid', `${name}, case ${one.tcId}`)
    }
    t.diagnostic(`${cases.length} keys taken or refused, ${name}`)
  }
  for (const one of valid) {
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(hex(one.ek), hex(one.m))
    assert.equal(toHex(cipherText), one.c)
    assert.equal(toHex(sharedSecret), one.K)
  }
  t.diagnostic(`${valid.length} ciphertexts byte for byte, noble`)
  assert.equal(cases.length, 265)
  assert.equal(valid.length, 133)
})

test('what node:crypto encapsulates to the 100 official keys, noble opens (Wycheproof)', {
  skip,
}, () => {
  const cases = wycheproof<{ ek: string; dk: string }>('wycheproof-mlkem_768_keygen_seed_test.json')
  for (const { ek, dk } of cases) {
    const made = suites.node.kem.encapsulate(hex(ek))
    assert.ok(made !== null)
    assert.deepEqual(ml_kem768.decapsulate(made.ciphertext, hex(dk)), made.secret)
  }
})

test('ML-KEM-768: all 193 decapsulations (Wycheproof), implicit rejections too', { skip }, (t) => {
  const cases = wycheproof<{ seed: string; ek?: string; c: string; K: string }>(
    'wycheproof-mlkem_768_test.json',
  )
  for (const [name, { kem }] of providers) {
    let shortSeeds = 0
    for (const one of cases) {
      const seed = hex(one.seed)
      if (seed.length !== KEM_SEED_BYTES) {
        // A seed is our own: one of another length is a bug, not something a peer can send.
        assert.throws(() => kem.decapsulate(seed, hex(one.c)), `${name}, case ${one.tcId}`)
        shortSeeds += 1
        continue
      }
      if (one.ek !== undefined) assert.equal(toHex(kem.encapsulationKey(seed)), one.ek)
      const secret = kem.decapsulate(seed, hex(one.c))
      const expected = one.result === 'valid' ? one.K : null
      assert.equal(secret === null ? null : toHex(secret), expected, `${name}, case ${one.tcId}`)
    }
    assert.equal(shortSeeds, 20)
    t.diagnostic(`${cases.length} cases, ${name}`)
  }
  assert.equal(cases.length, 193)
})
