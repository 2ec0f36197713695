// An address field holds one address (RFC 5321, RFC 6531, E.164).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import addressparser from 'nodemailer/lib/addressparser'
import { mailProblem, phoneProblem } from '../../../services/billing/utility/core/addresses.ts'

const GOOD_MAIL = [
  'asha@example.org',
  'asha.kulkarni+bills@mail.example.co.in',
  "o'brien@example.org",
  'jürgen@x.example',
  '用户@例子.example',
  'root@localhost',
  `${'a'.repeat(64)}@example.org`,
]
const BAD_MAIL = [
  '',
  'a@x.example, b@y.example',
  'a@x.example,b@y.example',
  'a@x.example;b@y.example',
  'a@x.example b@y.example',
  'a@x.example\r\nRCPT TO:<b@y.example>',
  'a@x.example\nBcc: b@y.example',
  'a@x.example>\r\nRCPT TO:<b@y.example',
  'a@x.example\u0000',
  'a@x.example\u2028',
  'a\u202e@x.example',
  '\ud800@x.example',
  ' a@x.example',
  'a@x.example ',
  'Asha <a@x.example>',
  '<a@x.example>',
  'list: a@x.example;',
  'a(b)@x.example',
  '"a, b"@x.example',
  'a@b@x.example',
  'a@[127.0.0.1]',
  'a@',
  '@x.example',
  'a.@x.example',
  '.a@x.example',
  'a..b@x.example',
  'a@x..example',
  'a@x.example.',
  'a@-x.example',
  'a@x-.example',
  `${'a'.repeat(65)}@example.org`,
  `${'ü'.repeat(33)}@example.org`,
  `a@${'b'.repeat(64)}.example`,
  `a@${'b.'.repeat(127)}example`,
  'nobody',
]

test('one bare address is taken, also with letters of other scripts (RFC 6531)', () => {
  for (const text of GOOD_MAIL) assert.equal(mailProblem(text), null, text)
})

test('two addresses, a second line, wrapping, controls and over-long ones are refused', () => {
  for (const text of BAD_MAIL) assert.notEqual(mailProblem(text), null, JSON.stringify(text))
})

test('what is taken is to nodemailer, too, exactly this one address', () => {
  const piece = fc.constantFrom('a', 'ü', '.', '@', ',', ';', ' ', '<', '>', '"', ':', '\r', '\n')
  const made = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))
  const near = fc.tuple(fc.constantFrom(...GOOD_MAIL), fc.nat(30), piece).map(([good, at, one]) => {
    return good.slice(0, at) + one + good.slice(at)
  })
  fc.assert(
    fc.property(fc.oneof(made, near, fc.constantFrom(...GOOD_MAIL)), (text) => {
      if (mailProblem(text) !== null) return
      assert.deepEqual(addressparser(text), [{ address: text, name: '' }])
    }),
    { numRuns: 5_000 },
  )
})

test('a telephone number is + and 7 to 15 digits, nothing else (E.164)', () => {
  for (const text of ['+919900000001', '+1234567', '+123456789012345', '+2902150']) {
    assert.equal(phoneProblem(text), null, text)
  }
  for (const text of [
    '',
    '919900000001',
    '+123456',
    '+1234567890123456',
    '+0199000000',
    '+91 9900000001',
    '+91-99-00000001',
    '+919900000001,+919900000002',
    '+919900000001\n',
    '+91990000000１',
    '00919900000001',
  ]) {
    assert.notEqual(phoneProblem(text), null, JSON.stringify(text))
  }
})
