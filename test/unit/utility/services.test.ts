// Mail servers and SMS gateways as typed: what is refused, and what their secret is bound to.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  checkMail,
  checkSms,
  isThisMachine,
  mailPeerName,
  type MailValues,
  mailValues,
  secretProblem,
  smsPeerName,
  type SmsValues,
  smsValues,
} from '../../../services/billing/utility/core/services.ts'

const MAIL: MailValues = {
  host: 'smtp.example.org',
  port: '',
  tls: 'starttls',
  login: 'anna',
  from: 'bills@example.org',
}
const SMS: SmsValues = {
  kind: 'twilio',
  base: 'https://api.twilio.com',
  login: 'AC01',
  from: 'LAKE',
}

test('a mail server: the usual port of its security, and the same again from what is stored', () => {
  const verdict = checkMail(MAIL, true)
  assert.ok(verdict.ok)
  const peer = { host: 'smtp.example.org', port: 587, tls: 'starttls', login: 'anna' }
  assert.deepEqual(verdict.service, { peer, from: 'bills@example.org' })
  assert.deepEqual(checkMail(mailValues(verdict.service), true), verdict)
})

test('mistakes in a mail server, each at its field', () => {
  const wrong: readonly (readonly [Partial<MailValues>, string])[] = [
    [{ host: 'smtp example' }, 'host'],
    [{ host: 'smtps://smtp.example.org' }, 'host'],
    [{ host: '' }, 'host'],
    [{ port: '0' }, 'port'],
    [{ port: '65536' }, 'port'],
    [{ port: '1e3' }, 'port'],
    [{ tls: 'ssl' }, 'tls'],
    [{ tls: 'none' }, 'tls'],
    [{ from: 'Bills <bills@example.org>' }, 'from'],
    [{ from: '' }, 'from'],
    [{ login: 'x'.repeat(257) }, 'login'],
  ]
  for (const [typed, field] of wrong) {
    const verdict = checkMail({ ...MAIL, ...typed }, true)
    assert.deepEqual(verdict.ok ? [] : Object.keys(verdict.errors), [field], JSON.stringify(typed))
  }
  assert.equal(checkMail({ ...MAIL, tls: 'none', host: '127.0.0.1' }, true).ok, true)
  assert.equal(checkMail({ ...MAIL, tls: 'none', login: '' }, false).ok, true)
})

test('mistakes in a gateway, each at its field', () => {
  const wrong: readonly (readonly [Partial<SmsValues>, string])[] = [
    [{ kind: 'smpp' }, 'kind'],
    [{ base: 'api.twilio.com' }, 'base'],
    [{ base: 'https://api.twilio.com/2010' }, 'base'],
    [{ base: 'https://user@api.twilio.com' }, 'base'],
    [{ base: 'ftp://api.twilio.com' }, 'base'],
    [{ base: 'http://api.twilio.com' }, 'base'],
    [{ login: '' }, 'login'],
    [{ from: 'T\nX' }, 'from'],
    [{ from: '' }, 'from'],
  ]
  for (const [typed, field] of wrong) {
    const verdict = checkSms({ ...SMS, ...typed }, true)
    assert.deepEqual(verdict.ok ? [] : Object.keys(verdict.errors), [field], JSON.stringify(typed))
  }
  const kannel = { kind: 'kannel', base: 'http://127.0.0.1:13013', login: 'u', from: 'LAKE' }
  const verdict = checkSms(kannel, true)
  assert.ok(verdict.ok)
  assert.deepEqual(checkSms(smsValues(verdict.service), true), verdict)
})

test('a secret is bound to everything that says where it goes, and to nothing else', () => {
  const peer = { host: 'a.example', port: 465, tls: 'implicit', login: 'anna' } as const
  const names = [
    peer,
    { ...peer, host: 'b.example' },
    { ...peer, port: 466 },
    { ...peer, tls: 'starttls' as const },
    { ...peer, login: 'bert' },
  ].map(mailPeerName)
  assert.equal(new Set(names).size, names.length)
  const gateway = { kind: 'twilio', base: 'https://a.example', login: 'AC' } as const
  const others = [
    gateway,
    { ...gateway, kind: 'kannel' as const },
    { ...gateway, base: 'https://b.example' },
    { ...gateway, login: 'AD' },
  ].map(smsPeerName)
  assert.equal(new Set(others).size, others.length)
})

test('this machine is its loopback addresses, and no name that looks like one', () => {
  for (const host of ['localhost', '127.0.0.1', '127.255.9.1', '::1', '[::1]']) {
    assert.equal(isThisMachine(host), true, host)
  }
  for (const host of [
    '127.0.0.1.evil.example',
    '127.0.0.999',
    '1270.0.0.1',
    'localhost.example',
    '10.0.0.1',
    '::2',
    '',
  ]) {
    assert.equal(isThisMachine(host), false, host)
  }
})

test('a secret has its largest length too', () => {
  assert.equal(secretProblem('x'.repeat(256)), null)
  assert.match(secretProblem('x'.repeat(257)) ?? '', /256/)
})
