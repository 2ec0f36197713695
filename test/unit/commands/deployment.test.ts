// Settings of a head-end that others reach: its public address and its proxies.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utilityFrom } from '../../../services/commands/work/utility.ts'
import { NO_ENVIRONMENT } from '../../../services/billing/utility/core/environment.ts'
import { baseUrlOf, localUrlOf } from '../../../services/head-end.ts'
import { readSettings } from '../../../services/settings.ts'

const MAIL = { TICKLOCK_SMTP_URL: 'smtp://localhost:2525', TICKLOCK_MAIL_FROM: 'b@x.example' }
const SMS = { TICKLOCK_SMS_URL: 'kannel+http://localhost:13013', TICKLOCK_SMS_FROM: 'LAKE' }
const PUBLIC = { TICKLOCK_PUBLIC_URL: 'https://bills.example' }

test('what the environment sets of the utility carries the name of its variable', () => {
  const utility = (env: Record<string, string>) => utilityFrom(env, readSettings(env))
  assert.deepEqual(utility({}), NO_ENVIRONMENT)
  const set = utility({
    ...MAIL,
    ...SMS,
    ...PUBLIC,
    TICKLOCK_UTILITY: 'Lake',
    TICKLOCK_ZONE: 'UTC',
  })
  assert.deepEqual(set.profile, {
    name: { value: 'Lake', by: 'TICKLOCK_UTILITY' },
    zone: { value: 'UTC', by: 'TICKLOCK_ZONE' },
    publicUrl: { value: 'https://bills.example', by: 'TICKLOCK_PUBLIC_URL' },
  })
  assert.deepEqual([set.mail?.by, set.sms?.by], ['TICKLOCK_SMTP_URL', 'TICKLOCK_SMS_URL'])
  const peer = { host: 'localhost', port: 2525, tls: 'none', login: '' }
  assert.deepEqual(set.mail?.value.service, { peer, from: 'b@x.example' })
})

test('links begin with the public address, and without one with this machine’s', () => {
  const urls = (env: Record<string, string>) => {
    const settings = readSettings(env)
    return [baseUrlOf(settings), localUrlOf(settings)]
  }
  assert.deepEqual(urls({}), ['http://localhost:8080', 'http://localhost:8080'])
  assert.deepEqual(urls(PUBLIC), ['https://bills.example', 'http://localhost:8080'])
  const spelt = { TICKLOCK_PUBLIC_URL: 'HTTPS://Bills.Example:443/' }
  assert.equal(urls(spelt)[0], 'https://bills.example')
  assert.equal(urls({ TICKLOCK_PUBLIC_URL: 'http://10.0.0.4:81' })[0], 'http://10.0.0.4:81')
})

test('a public address that cannot be right is OPS-05', () => {
  for (const text of [
    'bills.example',
    'https://',
    'https://bills.example/ticklock',
    'https://bills.example/?x',
    'https://bills.example#x',
    'https://user@bills.example',
    'https://user:word@bills.example',
    'ftp://bills.example',
    'javascript:alert(1)',
    'http://0.0.0.0:8080',
    'http://[::]:8080',
  ]) {
    const read = () => readSettings({ TICKLOCK_PUBLIC_URL: text })
    assert.throws(read, /OPS-05 .*TICKLOCK_PUBLIC_URL/, text)
  }
})

test('trusted proxies are addresses and subnets; one that would trust everybody is OPS-05', () => {
  const trusted = (text: string) => readSettings({ TICKLOCK_TRUSTED_PROXY: text }).trustedProxies
  assert.deepEqual(trusted(''), [])
  assert.deepEqual(trusted('127.0.0.1, 10.0.0.0/8,2001:db8::/32'), [
    '127.0.0.1',
    '10.0.0.0/8',
    '2001:db8::/32',
  ])
  for (const text of [
    'proxy.example',
    '0.0.0.0/0',
    '::/0',
    '10.0.0.0/33',
    '10.0.0.0/8/8',
    '1.2.3',
    '*',
  ]) {
    assert.throws(() => trusted(text), /OPS-05 .*TICKLOCK_TRUSTED_PROXY/, text)
  }
})
