// The primitives below TVES against the vectors of Project Wycheproof and of NIST, with both
// providers. The counts are exact: a file that loses cases is noticed.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { concat, toHex } from '../../../shared/bytes.ts'
import { hkdf } from '../../../shared/tves/hkdf.ts'
import type { Suite } from '../../../shared/tves/suite.ts'
import { hex, officialText, skip, suites, wycheproof } from './official.ts'

/** Runs every case under each provider and says how many there were. */
function each<Case>(
  t: TestContext,
  cases: readonly Case[],
  expected: number,
  check: (suite: Suite, one: Case) => void,
): void {
  for (const [name, suite] of Object.entries(suites)) {
    for (const one of cases) check(suite, one)
    t.diagnostic(`${cases.length} cases, ${name}`)
  }
  assert.equal(cases.length, expected)
}

const textOf = (bytes: Uint8Array | null): string | null => (bytes === null ? null : toHex(bytes))

interface GcmCase {
  readonly key: string
  readonly iv: string
  readonly aad: string
  readonly ct: string
  readonly tag: string
  /** Null: it must not open. */
  readonly plaintext: string | null
}

function checkGcm(suite: Suite, one: GcmCase): void {
  const aead = suite.aead(hex(one.key))
  const sealed = concat(hex(one.ct), hex(one.tag))
  assert.equal(textOf(aead.open(hex(one.iv), hex(one.aad), sealed)), one.plaintext)
  if (one.plaintext === null) return
  assert.deepEqual(aead.seal(hex(one.iv), hex(one.aad), hex(one.plaintext)), sealed)
}

test('AES-256-GCM, 96-bit iv, 128-bit tag: all 66 cases of Wycheproof', { skip }, (t) => {
  const cases = wycheproof<Omit<GcmCase, 'plaintext'> & { msg: string }>(
    'wycheproof-aes_gcm_test.json',
    (group) => group.keySize === 256 && group.ivSize === 96 && group.tagSize === 128,
  )
  each(
    t,
    cases.map((one) => ({ ...one, plaintext: one.result === 'valid' ? one.msg : null })),
    66,
    checkGcm,
  )
})

/** Cases of a NIST CAVP response file: `[Name = value]` opens a group, `Name = value` is a field,
 * an empty line ends a case. */
function cavp(text: string): readonly (GcmCase & { readonly group: string })[] {
  const cases: (GcmCase & { readonly group: string })[] = []
  const group = new Map<string, string>()
  let fields = new Map<string, string>()
  const take = (name: string): string => fields.get(name) ?? ''
  for (const line of text.split(/\r?\n/)) {
    const [, inGroup, name = '', value = ''] = /^(\[)?(\w+) = ?(\w*)\]?$/.exec(line) ?? []
    if (inGroup !== undefined) group.set(name, value)
    else if (name !== '') fields.set(name, value)
    else if (line === 'FAIL') fields.set('FAIL', '')
    else if (line === '' && fields.size > 0) {
      cases.push({
        key: take('Key'),
        iv: take('IV'),
        aad: take('AAD'),
        ct: take('CT'),
        tag: take('Tag'),
        plaintext: fields.has('FAIL') ? null : take('PT'),
        group: `${group.get('IVlen')}/${group.get('Taglen')}`,
      })
      fields = new Map()
    }
  }
  return cases
}

test('AES-256-GCM: all 375 NIST CAVP decryptions of 96-bit iv and 128-bit tag', { skip }, (t) => {
  const cases = cavp(officialText('nist-cavp-gcmDecrypt256.rsp'))
  assert.equal(cases.length, 7_875, 'the file is read whole')
  const ours = cases.filter(({ group }) => group === '96/128')
  const refused = ours.filter(({ plaintext }) => plaintext === null).length
  assert.ok(refused > 100 && refused < 275, `${refused} must not open`)
  t.diagnostic(`${refused} of them must not open`)
  each(t, ours, 375, checkGcm)
})

test('X25519: all 518 cases of Wycheproof; exactly the all-zero results are refused', {
  skip,
}, (t) => {
  const cases = wycheproof<{ public: string; private: string; shared: string }>(
    'wycheproof-x25519_test.json',
  )
  const zero = (one: (typeof cases)[number]): boolean => one.flags.includes('ZeroSharedSecret')
  assert.equal(cases.filter(zero).length, 31)
  each(t, cases, 518, (suite, one) => {
    const shared = suite.dh(hex(one.private), hex(one.public))
    assert.equal(textOf(shared), zero(one) ? null : one.shared, `case ${one.tcId}`)
  })
})

test('HKDF-SHA256: all 86 cases of Wycheproof, those too long refused', { skip }, (t) => {
  const cases = wycheproof<{ ikm: string; salt: string; info: string; size: number; okm: string }>(
    'wycheproof-hkdf_sha256_test.json',
  )
  each(t, cases, 86, (suite, one) => {
    const from = { salt: hex(one.salt), secret: hex(one.ikm), info: hex(one.info) }
    if (one.result === 'valid') assert.equal(toHex(hkdf(suite, from, one.size)), one.okm)
    else assert.throws(() => hkdf(suite, from, one.size), /255 blocks/)
  })
})

const SHA512_BLOCK_BYTES = 128

/** RFC 2104, over the provider's SHA-512: the suite itself has HMAC with SHA-256 only, which HKDF
 * tests above. */
function hmacSha512(suite: Suite, key: Uint8Array, message: Uint8Array): Uint8Array {
  const block = new Uint8Array(SHA512_BLOCK_BYTES)
  block.set(key.length > SHA512_BLOCK_BYTES ? suite.sha512(key) : key)
  const inner = suite.sha512(
    concat(
      block.map((byte) => byte ^ 0x36),
      message,
    ),
  )
  return suite.sha512(
    concat(
      block.map((byte) => byte ^ 0x5c),
      inner,
    ),
  )
}

test("SHA-512, in HMAC's definition: all 174 HMAC-SHA512 cases of Wycheproof", { skip }, (t) => {
  const cases = wycheproof<{ key: string; msg: string; tag: string }>(
    'wycheproof-hmac_sha512_test.json',
  )
  each(t, cases, 174, (suite, one) => {
    const tag = hmacSha512(suite, hex(one.key), hex(one.msg)).slice(0, one.tag.length / 2)
    assert.equal(toHex(tag) === one.tag, one.result === 'valid', `case ${one.tcId}`)
  })
})
