// Only a refusal of the recipient's own address is final; our mistakes are not the customer's.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Culprit,
  gatewayCulprit,
  gatewayRefusal,
  kannelRefusal,
  mailCulprit,
} from '../../../services/billing/notices/core/refusals.ts'

test('mail: x.1.x about the recipient is final, nothing else (RFC 3463, RFC 5248)', () => {
  const cases: readonly (readonly [string, string, Culprit])[] = [
    ['RCPT TO', '550 5.1.1 <a@x.example>: Recipient address rejected: User unknown', 'recipient'],
    ['RCPT TO', '550-5.1.1 The email account that you tried to reach does not exist', 'recipient'],
    ['RCPT TO', '553 5.1.2 We do not know that domain', 'recipient'],
    ['RCPT TO', '501 5.1.3 Bad recipient address syntax', 'recipient'],
    ['RCPT TO', '551 5.1.6 Mailbox has moved', 'recipient'],
    ['RCPT TO', '556 5.1.10 Recipient address has null MX', 'recipient'],
    ['DATA', '550 5.1.1 No such user', 'recipient'],
    // The sender's address, or it is not said whose.
    ['RCPT TO', '550 5.1.0 Address rejected', 'ours'],
    ['MAIL FROM', '550 5.1.7 Invalid sender address', 'ours'],
    ['RCPT TO', '550 5.1.8 Sender domain not found', 'ours'],
    ['MAIL FROM', '550 5.1.1 Sender unknown', 'ours'],
    // Policy, login, reputation, size, syntax.
    ['RCPT TO', '554 5.7.1 <a@x.example>: Relay access denied', 'ours'],
    ['RCPT TO', '550 5.7.1 Service unavailable; client host blocked', 'ours'],
    ['RCPT TO', '550 5.7.26 This mail is unauthenticated', 'ours'],
    ['RCPT TO', '530 5.7.0 Must issue a STARTTLS command first', 'ours'],
    ['DATA', '550 5.7.1 Message rejected as spam by content filtering', 'ours'],
    ['AUTH PLAIN', '535 5.7.8 Authentication credentials invalid', 'ours'],
    ['EHLO', '554 No SMTP service here', 'ours'],
    ['MAIL FROM', '552 5.3.4 Message too big for system', 'ours'],
    // The mailbox is full, switched off, or nobody says what it is.
    ['RCPT TO', '552 5.2.2 Mailbox full', 'passing'],
    ['RCPT TO', '550 5.2.1 Mailbox disabled', 'passing'],
    ['RCPT TO', '550 No such user here', 'passing'],
    ['RCPT TO', '550 relaying denied', 'ours'],
    ['RCPT TO', '550 Blocked - see spamhaus', 'ours'],
    ['RCPT TO', '530 Authentication required', 'ours'],
    ['RCPT TO', '550 5.1.1 <bills@x.example>: Sender address rejected', 'ours'],
    ['DATA', '554 rejected as spam', 'ours'],
    ['DATA', '554 Transaction failed', 'ours'],
    ['RCPT TO', '451 4.7.1 Greylisted', 'passing'],
    ['RCPT TO', '450 4.1.1 Mailbox not there yet', 'passing'],
    ['DATA', '421 4.3.2 Shutting down', 'passing'],
  ]
  for (const [command, response, expected] of cases) {
    const code = Number(response.slice(0, 3))
    assert.equal(mailCulprit({ command, code, response }), expected, `${command}: ${response}`)
  }
  assert.equal(mailCulprit({ command: 'CONN', code: null, response: '' }), 'away')
})

test('SMS: the codes about the number are final, our sender, region and login are not', () => {
  const cases: readonly (readonly [number, string, Culprit])[] = [
    [400, '{"code":21211,"message":"Invalid To"}', 'recipient'],
    [400, '{"code": 21614, "message":"not a mobile number"}', 'recipient'],
    [400, '{"message":"unsubscribed","code":"21610"}', 'recipient'],
    [400, '{"code":21606,"message":"From is not a valid number"}', 'ours'],
    [400, '{"code":21408,"message":"region is not enabled"}', 'ours'],
    [400, '{"code":212110}', 'ours'],
    [400, 'Bad Request', 'ours'],
    [401, '{"code":20003}', 'ours'],
    [403, '', 'ours'],
    [404, '{"code":20404}', 'ours'],
    [429, '{"code":20429}', 'passing'],
    [408, '', 'passing'],
    [500, '{"code":21211}', 'passing'],
    [503, '', 'passing'],
    [302, '', 'ours'],
    [401, '{"details":[{"code":21211}],"code":20003}', 'ours'],
    [400, '{"details":[{"code":21211}],"code":21606}', 'ours'],
    [400, '{"code":21211.5}', 'ours'],
  ]
  for (const [status, answer, expected] of cases) {
    assert.equal(gatewayCulprit(status, answer), expected, `${status} ${answer}`)
  }
})

test('SMS: a status of 2xx is accepted only when the answer says so', () => {
  for (const [answer, expected] of [
    ['{"sid":"SM1","status":"queued"}', null],
    ['{}', null],
    ['<html>Please log in</html>', 'ours'],
    ['', 'ours'],
    ['{"code":21606}', 'ours'],
    ['{"sid":"SM1","status":"failed","error_code":21610}', 'recipient'],
    ['{"sid":"SM1","status":"undelivered"}', 'ours'],
  ] as const) {
    assert.equal(gatewayRefusal(answer), expected, answer)
  }
  assert.equal(kannelRefusal('0: Accepted for delivery'), null)
  assert.equal(kannelRefusal('3: Queued for later delivery'), null)
  assert.equal(kannelRefusal('Authorization failed for sendsms'), 'ours')
})
