// What a driver refuses to send, whatever stands in the database, and how it may be reached.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { test } from 'node:test'
import { SMTPServer } from 'smtp-server'
import { openMail } from '../../../services/billing/notices/shell/mail.ts'
import { kannelSms, twilioSms } from '../../../services/billing/notices/shell/sms.ts'
import { smsFrom } from '../../../services/commands/work/utility.ts'

const NEVER = new AbortController().signal
const LETTER = {
  toName: 'Asha',
  date: '2026-06-03T04:30:00Z',
  subject: 'Your bill',
  text: 'text',
  html: '<p>text</p>',
  attachment: { name: 'a.pdf', type: 'application/pdf', content: new Uint8Array() },
}

test('a mail for two addresses, or with a line of its own, is not sent (OPS-27, final)', async (t) => {
  const recipients: string[] = []
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    authOptional: true,
    disableReverseLookup: true,
    closeTimeout: 100,
    onRcptTo: ({ address }, _session, done) => {
      recipients.push(address)
      done()
    },
  })
  server.on('error', () => {})
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.after(() => new Promise<void>((done) => server.close(done)))
  const address = server.server.address()
  assert.ok(address !== null && typeof address === 'object')
  const mail = openMail({
    host: '127.0.0.1',
    port: address.port,
    tls: 'none',
    login: null,
    from: 'bills@lakeside.example',
    fromName: 'Lakeside Power',
  })
  for (const to of [
    'a@x.example, b@y.example',
    'a@x.example\r\nRCPT TO:<b@y.example>',
    'a@x.example>\r\nRCPT TO:<b@y.example',
    'a@x.example\u0000',
    'Asha <a@x.example>',
  ]) {
    const sent = await mail.send({ to, key: 'k-1', letter: LETTER }, NEVER)
    assert.deepEqual(sent.ok ? 'sent' : [sent.fault, sent.final], ['OPS-27', true], to)
    assert.ok(sent.ok || !sent.detail.includes('x.example'), 'no address in the log')
  }
  assert.deepEqual(recipients, [])
  const one = await mail.send({ to: 'a@x.example', key: 'k-2', letter: LETTER }, NEVER)
  assert.equal(one.ok, true)
  assert.deepEqual(recipients, ['a@x.example'])
})

test('a text for what is no telephone number is not sent (OPS-27, final)', async (t) => {
  let asked = 0
  const server = createServer((_request, response) => {
    asked += 1
    response.writeHead(201).end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  const base = `http://127.0.0.1:${address.port}`
  const drivers = [
    twilioSms({ base, account: 'A', token: 't', from: 'L' }),
    kannelSms({ base, user: 'u', password: 'p', from: 'L' }),
  ]
  for (const sms of drivers) {
    for (const to of ['+919900000001,+919900000002', '+919900000001\r\n', 'whatsapp:+9199', '']) {
      const sent = await sms.send({ to, text: 'x', key: 'k' }, NEVER)
      assert.deepEqual(sent.ok ? 'sent' : [sent.fault, sent.final], ['OPS-27', true], to)
    }
    assert.equal((await sms.send({ to: '+919900000001', text: 'x', key: 'k' }, NEVER)).ok, true)
  }
  assert.equal(asked, 2)
})

test('SMS credentials in clear to another machine are OPS-05, as for mail', () => {
  const env = (url: string) => ({ TICKLOCK_SMS_URL: url, TICKLOCK_SMS_FROM: 'LAKE' })
  for (const url of [
    'kannel+http://user:word@gateway.example:13013',
    'twilio+http://account:word@gateway.example',
    'kannel+http://user:word@192.0.2.1:13013',
    'kannel+http://user:word@localhost.example',
    'kannel+http://user:word@[2001:db8::1]:13013',
    'kannel+http://user@gateway.example',
  ]) {
    assert.throws(() => smsFrom(env(url)), /OPS-05 .*https/, url)
    try {
      smsFrom(env(url))
    } catch (error) {
      assert.doesNotMatch(String(error), /word/)
    }
  }
  for (const url of [
    'kannel+https://user:word@gateway.example',
    'twilio+https://account:word@gateway.example',
    'kannel+http://user:word@localhost:13013',
    'kannel+http://user:word@127.0.0.9:13013',
    'kannel+http://user:word@[::1]:13013',
    // Nothing to keep: a gateway that knows us by our address.
    'kannel+http://gateway.example:13013',
  ]) {
    assert.notEqual(smsFrom(env(url)), null, url)
  }
})
