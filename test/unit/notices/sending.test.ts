// What a driver refuses to send, whatever stands in the database, and how it may be reached.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { openMail } from '../../../services/billing/notices/shell/mail.ts'
import { kannelSms, twilioSms } from '../../../services/billing/notices/shell/sms.ts'
import { unixMs } from '../../../shared/units.ts'
import { smsFrom } from '../../../services/commands/work/utility.ts'

const SENT = unixMs(Date.UTC(2026, 5, 24, 9, 30))
const NEVER = new AbortController().signal
const LETTER = {
  toName: 'Asha',
  subject: 'Your bill',
  text: 'text',
  html: '<p>text</p>',
  attachment: { name: 'a.pdf', type: 'application/pdf', content: new Uint8Array() },
}

/** A mail server on this machine that notes what it is told. */
async function mailServer(t: TestContext, options: SMTPServerOptions = {}) {
  const recipients: string[] = []
  const mails: string[] = []
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    authOptional: true,
    disableReverseLookup: true,
    closeTimeout: 100,
    onRcptTo: ({ address }, _session, done) => {
      recipients.push(address)
      done()
    },
    onData: (stream, _session, done) => {
      void text(stream).then((mail) => {
        mails.push(mail)
        done()
      })
    },
    ...options,
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
  const send = (to: string) => mail.send({ to, key: 'k-1', letter: LETTER, at: SENT }, NEVER)
  return { send, recipients, mails }
}

test('a mail for two addresses, or with a line of its own, is not sent (OPS-27, final)', async (t) => {
  const { send, recipients } = await mailServer(t)
  for (const to of [
    'a@x.example, b@y.example',
    'a@x.example\r\nRCPT TO:<b@y.example>',
    'a@x.example>\r\nRCPT TO:<b@y.example',
    'a@x.example\u0000',
    'Asha <a@x.example>',
  ]) {
    const sent = await send(to)
    assert.deepEqual(sent.ok ? 'sent' : [sent.fault, sent.culprit], ['OPS-27', 'recipient'], to)
    assert.ok(sent.ok || !sent.detail.includes('x.example'), 'no address in the log')
  }
  assert.deepEqual(recipients, [])
  assert.equal((await send('a@x.example')).ok, true)
  assert.deepEqual(recipients, ['a@x.example'])
})

test('a mail is dated on the day when it is sent', async (t) => {
  const { send, mails } = await mailServer(t)
  assert.equal((await send('a@x.example')).ok, true)
  assert.match(mails[0] ?? '', /^Date: Wed, 24 Jun 2026 09:30:00 \+0000$/m)
})

test('letters outside ASCII before the @ need SMTPUTF8; without it nothing is sent (RFC 6531)', async (t) => {
  const old = await mailServer(t, { hideSMTPUTF8: true })
  const refused = await old.send('jürgen@x.example')
  assert.deepEqual(refused.ok ? 'sent' : [refused.fault, refused.culprit], ['BIL-09', 'ours'])
  assert.match(refused.ok ? '' : refused.detail, /SMTPUTF8/)
  assert.equal((await old.send('hans@müller.example')).ok, true, 'a domain has an ASCII form')
  // The server of the test shows the ASCII form as what it stands for.
  assert.deepEqual(old.recipients, ['hans@müller.example'])
  const able = await mailServer(t)
  assert.equal((await able.send('jürgen@x.example')).ok, true)
  assert.deepEqual(able.recipients, ['jürgen@x.example'])
})

test('a text for what is no telephone number is not sent (OPS-27, final)', async (t) => {
  let asked = 0
  const server = createServer((request, response) => {
    asked += 1
    const kannel = request.url?.includes('sendsms') === true
    response.writeHead(201).end(kannel ? '0: Accepted for delivery' : '{}')
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
      assert.deepEqual(sent.ok ? 'sent' : [sent.fault, sent.culprit], ['OPS-27', 'recipient'], to)
    }
    assert.equal((await sms.send({ to: '+919900000001', text: 'x', key: 'k' }, NEVER)).ok, true)
  }
  assert.equal(asked, 2)
})

test('a gateway that repeats what it was asked shows no password on a page or in the log', async (t) => {
  const server = createServer((request, response) => {
    const asked = `${request.url} ${request.headers.authorization ?? ''}`
    response.writeHead(404).end(`Cannot ${request.method} ${decodeURIComponent(asked)} ${asked}`)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  const base = `http://127.0.0.1:${address.port}`
  const secret = "s3cr'et+w/ord"
  for (const sms of [
    twilioSms({ base, account: 'AC1', token: secret, from: 'L' }),
    kannelSms({ base, user: 'u', password: secret, from: 'L' }),
  ]) {
    const sent = await sms.send({ to: '+919900000001', text: 'x', key: 'k' }, NEVER)
    const detail = sent.ok ? sent.said : sent.detail
    assert.match(detail, /^status 404 Cannot .*\[secret\]/)
    for (const part of ['s3cr', Buffer.from(`AC1:${secret}`).toString('base64').slice(0, 9)]) {
      assert.ok(!detail.includes(part), detail)
    }
  }
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
