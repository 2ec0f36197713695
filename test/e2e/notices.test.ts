import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, beforeEach, test } from 'node:test'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { runBills } from '../../services/billing/bills/db/run.ts'
import { billMatter } from '../../services/billing/bills/shell/bill-matter.ts'
import { openPress } from '../../services/billing/bills/shell/press.ts'
import { claimNotices, queueAgain } from '../../services/billing/notices/db/notices.ts'
import { type MailDriver, openMail } from '../../services/billing/notices/shell/mail.ts'
import {
  ATTEMPTS_MAX,
  type NoticeTask,
  sendDueNotices,
  startNoticeWorker,
} from '../../services/billing/notices/shell/notice-worker.ts'
import { kannelSms, type SmsDriver, twilioSms } from '../../services/billing/notices/shell/sms.ts'
import { type Inbox, startInbox } from '../../services/simulator/inbox.ts'
import { shiftMs, spanMs, type UnixMs } from '../../shared/units.ts'
import { addHousehold, HOUSEHOLD, MAY, NOW, openUtility, UTILITY } from './bill-fixture.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

const NEVER = new AbortController().signal
const MAIL = {
  host: '127.0.0.1',
  tls: 'none',
  login: null,
  from: 'bills@lakeside.example',
  fromName: 'Lakeside Power',
} as const

let postgres: TestPostgres
let inbox: Inbox
let now: UnixMs = NOW
const faults: string[] = []
const lines: string[] = []
const told = new Set<'email' | 'sms'>()

before(async () => {
  postgres = await testPostgres()
  inbox = await startInbox({ now: () => now })
  const ids = await openUtility(postgres)
  await addHousehold(postgres.db, HOUSEHOLD, { ...ids, n: 1 })
  const options = { month: MAY.from, now: NOW, utility: UTILITY, by: 'the test' }
  const run = await runBills(postgres.db.kysely, options)
  assert.equal(run.issued, 1)
})
after(async () => {
  await inbox.close()
  await postgres.close()
})
beforeEach(async () => {
  now = NOW
  faults.length = 0
  lines.length = 0
  told.clear()
  await postgres.owner.query(
    `update notices set state = 'queued', attempts = 0, next_attempt_at = $1, last_fault = null,
      provider_id = null, sent_at = null`,
    [new Date(NOW)],
  )
})

const press = openPress((_fault, line) => lines.push(line))
after(() => press.close())

function task(mail: MailDriver | null, sms: SmsDriver | null): NoticeTask {
  return {
    db: postgres.db.kysely,
    drivers: async () => ({ mail, sms }),
    matterOf: (bill) => billMatter({ db: postgres.db.kysely, press }, bill),
    linkOf: async (customer) => `http://localhost/c/${customer}`,
    now: () => now,
    log: (line) => lines.push(line),
    onFault: (fault) => faults.push(fault),
    told,
  }
}

interface State {
  readonly state: string
  readonly attempts: number
  readonly last_fault: string | null
  readonly next_attempt_at: Date
  readonly provider_id: string | null
}
async function notice(channel: string): Promise<State> {
  const { rows } = await postgres.owner.query<State>('select * from notices where channel = $1', [
    channel,
  ])
  const [row] = rows
  assert.ok(row !== undefined)
  return row
}
const minutesFromNow = (at: Date): number => (at.getTime() - now) / 60_000

/** A mail server that behaves differently; the test closes it. */
async function smtp(
  options: SMTPServerOptions,
): Promise<{ mail: MailDriver; close: () => Promise<void> }> {
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    authOptional: true,
    disableReverseLookup: true,
    closeTimeout: 100,
    ...options,
  })
  server.on('error', () => {})
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.server.address()
  assert.ok(address !== null && typeof address === 'object')
  return {
    mail: openMail({ ...MAIL, port: address.port }),
    close: () => new Promise((done) => server.close(done)),
  }
}

test('mail and SMS of a bill arrive once: text, PDF, stable Message-ID', async () => {
  const mail = openMail({ ...MAIL, port: inbox.smtpPort })
  const sms = twilioSms({ base: inbox.smsBase, account: 'AC1', token: 't', from: 'LAKE' })
  assert.equal(await sendDueNotices(task(mail, sms), NEVER), 2)
  assert.equal(await sendDueNotices(task(mail, sms), NEVER), 0)
  const { mails, texts } = inbox.list()
  assert.equal(mails.length, 1)
  assert.equal(texts.length, 1)
  const [letter] = mails
  assert.equal(letter?.subject, 'Your electricity bill for May 2026: ₹1,910.11, due 17 June 2026')
  assert.equal(letter.messageId, '<bill-202605-000001-email@lakeside.example>')
  assert.deepEqual(letter.to, ['asha@example.org'])
  const [pdf] = letter.attachments
  assert.equal(pdf?.name, 'bill-202605-000001.pdf')
  assert.equal(Buffer.from(pdf.content.subarray(0, 5)).toString(), '%PDF-')
  const kinds = inbox.messages().map(({ channel }) => channel)
  assert.deepEqual(kinds.sort(), ['email', 'sms'])
  assert.match(texts[0]?.text ?? '', /^Lakeside Power: .* Rs 1,910\.11 for 221 kWh/)
  assert.equal((await notice('email')).state, 'sent')
  assert.match((await notice('sms')).provider_id ?? '', /^SM[0-9a-f]{32}$/)
})

test('a channel that is not configured leaves its notices alone', async () => {
  assert.equal(await sendDueNotices(task(null, null), NEVER), 0)
  assert.equal((await notice('sms')).attempts, 0)
})

test('a temporary refusal: BIL-09, five more attempts, then BIL-11', async () => {
  const server = await smtp({
    onRcptTo: (_address, _session, done) =>
      done(Object.assign(new Error('greylisted'), { responseCode: 451 })),
  })
  const waits: number[] = []
  for (let attempt = 1; attempt < ATTEMPTS_MAX; attempt += 1) {
    assert.equal(await sendDueNotices(task(server.mail, null), NEVER), 1)
    const { state, last_fault, next_attempt_at } = await notice('email')
    assert.deepEqual([state, last_fault], ['queued', 'BIL-09'])
    waits.push(minutesFromNow(next_attempt_at))
    assert.equal(await sendDueNotices(task(server.mail, null), NEVER), 0)
    now = shiftMs(now, spanMs(next_attempt_at.getTime() - now))
  }
  assert.deepEqual(waits, [1, 5, 30, 120, 600])
  await sendDueNotices(task(server.mail, null), NEVER)
  assert.deepEqual((await notice('email')).state, 'failed')
  assert.equal((await notice('email')).last_fault, 'BIL-11')
  assert.equal(faults.at(-1), 'BIL-11')
  await server.close()
})

test('an address refused for good is given up at once (RFC 3463, x.1.1); queued again', async () => {
  const server = await smtp({
    onRcptTo: (_address, _session, done) =>
      done(Object.assign(new Error('5.1.1 no such user'), { responseCode: 550 })),
  })
  await sendDueNotices(task(server.mail, null), NEVER)
  const given = await notice('email')
  assert.deepEqual([given.state, given.last_fault, given.attempts], ['failed', 'BIL-11', 1])
  const { rows } = await postgres.owner.query<{ id: number }>(
    "select id from notices where channel = 'email'",
  )
  await queueAgain(postgres.db.kysely, { id: rows[0]?.id ?? -1, now })
  assert.equal((await notice('email')).state, 'queued')
  await server.close()
})

test('a notice whose stored address is two: OPS-27; queued again it takes the corrected one', async () => {
  const { pool } = postgres.db
  const before = inbox.list().mails.length
  const mail = openMail({ ...MAIL, port: inbox.smtpPort })
  const wrong = 'a@x.example, b@y.example'
  const { rows } = await pool.query<{ id: number }>(
    "update notices set address = $1 where channel = 'email' returning id",
    [wrong],
  )
  await sendDueNotices(task(mail, null), NEVER)
  const given = await notice('email')
  assert.deepEqual([given.state, given.last_fault, given.attempts], ['failed', 'OPS-27', 1])
  assert.doesNotMatch(lines.join(), /x\.example/)
  await queueAgain(postgres.db.kysely, { id: rows[0]?.id ?? -1, now })
  await sendDueNotices(task(mail, null), NEVER)
  assert.equal((await notice('email')).state, 'sent')
  assert.deepEqual(inbox.list().mails.at(before)?.to, ['asha@example.org'])
})

test('a refusal that is ours costs no attempt, and is told once until one goes out', async () => {
  let refuses = true
  const server = await smtp({
    onRcptTo: (_address, _session, done) =>
      refuses
        ? done(Object.assign(new Error('5.7.1 relay denied'), { responseCode: 554 }))
        : done(),
    onData: (stream, _session, done) => {
      stream.resume()
      stream.on('end', () => done())
    },
  })
  for (let n = 0; n < 10; n += 1) {
    assert.equal(await sendDueNotices(task(server.mail, null), NEVER), 1)
    const { state, attempts, last_fault, next_attempt_at } = await notice('email')
    assert.deepEqual([state, attempts, last_fault], ['queued', 0, 'BIL-17'])
    assert.equal(minutesFromNow(next_attempt_at), 60)
    now = shiftMs(now, spanMs(3_600_000))
  }
  assert.equal(lines.filter((line) => line.includes('BIL-17')).length, 1)
  assert.match(lines.join(), /BIL-17 .*5\.7\.1 relay denied/)
  refuses = false
  await sendDueNotices(task(server.mail, null), NEVER)
  assert.equal((await notice('email')).state, 'sent')
  assert.equal(told.size, 0)
  await server.close()
})

test('with a login configured, a server that asks for none gets no mail', async () => {
  const port = inbox.smtpPort
  const login = { user: 'u', password: 'p' }
  const before = inbox.list().mails.length
  await sendDueNotices(task(openMail({ ...MAIL, port, login }), null), NEVER)
  assert.equal((await notice('email')).last_fault, 'BIL-17')
  assert.equal(inbox.list().mails.length, before)
})

test('a password in clear over a network is refused with OPS-05, before anything is sent', () => {
  const login = { user: 'u', password: 'p' }
  const open = () => openMail({ ...MAIL, host: 'mail.example', port: 25, login })
  assert.throws(open, /OPS-05/)
})

test('nobody listens: BIL-09 and BIL-10, both wait', async () => {
  const sms = twilioSms({ base: 'http://127.0.0.1:9', account: 'AC1', token: 'secret', from: 'L' })
  await sendDueNotices(task(openMail({ ...MAIL, port: 9 }), sms), NEVER)
  assert.equal((await notice('email')).last_fault, 'BIL-09')
  assert.equal((await notice('sms')).last_fault, 'BIL-10')
  assert.ok(lines.length > 0, 'the failures are logged')
  assert.doesNotMatch(lines.join('\n'), /secret/)
})

/** A gateway that gives every request the same answer and remembers the requests. */
async function gateway(status: number, answer: string): Promise<Gateway> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    request.resume()
    request.on('end', () => response.writeHead(status, { location: '/elsewhere' }).end(answer))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return {
    base: `http://127.0.0.1:${address.port}`,
    asked,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
interface Gateway {
  readonly base: string
  readonly asked: readonly string[]
  readonly close: () => void
}

const answers: readonly (readonly [string, number, string, string, string | null])[] = [
  ['500 waits with BIL-10', 500, 'oops', 'queued', 'BIL-10'],
  ['401 is ours: it waits', 401, 'who are you', 'queued', 'BIL-17'],
  ['our sender is wrong', 400, '{"code":21606}', 'queued', 'BIL-17'],
  ['our region is not enabled', 400, '{"code":21408}', 'queued', 'BIL-17'],
  ['the customer unsubscribed', 400, '{"code":21610}', 'failed', 'BIL-11'],
  ['a redirect is not followed', 302, '', 'queued', 'BIL-10'],
  ['400 is final: the number is wrong', 400, '{"code":21211}', 'failed', 'BIL-11'],
  ['an endless answer is cut off', 200, 'x'.repeat(100_000), 'queued', 'BIL-10'],
  ['201 without a sid is still accepted', 201, '{}', 'sent', null],
]
for (const [claim, status, answer, state, fault] of answers) {
  test(`SMS gateway: ${claim}`, async () => {
    const { base, asked, close } = await gateway(status, answer)
    await sendDueNotices(
      task(null, twilioSms({ base, account: 'A', token: 't', from: 'L' })),
      NEVER,
    )
    const { state: is, last_fault } = await notice('sms')
    close()
    assert.deepEqual([is, last_fault], [state, fault])
    assert.deepEqual(asked, ['/2010-04-01/Accounts/A/Messages.json'])
  })
}

test('Kannel gets its parameters, and its words become the id (Kannel user guide)', async () => {
  const { base, asked, close } = await gateway(202, '0: Accepted for delivery')
  await sendDueNotices(task(null, kannelSms({ base, user: 'u', password: 'p', from: 'L' })), NEVER)
  const { state, provider_id } = await notice('sms')
  close()
  assert.deepEqual([state, provider_id], ['sent', '0: Accepted for delivery'])
  const query = new URL(asked[0] ?? '', base).searchParams
  assert.equal(query.get('to'), '+919900000001')
  assert.equal(query.get('coding'), null)
  assert.match(query.get('text') ?? '', /Rs 1,910\.11/)
})

test('a worker that died before recording repeats the notice after its lease, once', async () => {
  const claim = { now, lease: spanMs(180_000), limit: 10, channels: ['sms'] as const }
  assert.equal((await claimNotices(postgres.db.kysely, claim)).length, 1)
  const sms = twilioSms({ base: inbox.smsBase, account: 'AC1', token: 't', from: 'LAKE' })
  assert.equal(await sendDueNotices(task(null, sms), NEVER), 0)
  now = shiftMs(now, spanMs(180_000))
  assert.equal(await sendDueNotices(task(null, sms), NEVER), 1)
  const { state, attempts } = await notice('sms')
  assert.deepEqual([state, attempts], ['sent', 2])
})

test('two workers at once send each notice once (SKIP LOCKED)', async () => {
  const before = inbox.list()
  const mail = openMail({ ...MAIL, port: inbox.smtpPort })
  const sms = twilioSms({ base: inbox.smsBase, account: 'AC1', token: 't', from: 'LAKE' })
  const workers = [1, 2, 3].map(() => sendDueNotices(task(mail, sms), NEVER))
  const taken = await Promise.all(workers)
  assert.equal(
    taken.reduce((sum, n) => sum + n, 0),
    2,
  )
  assert.equal(inbox.list().mails.length, before.mails.length + 1)
  assert.equal(inbox.list().texts.length, before.texts.length + 1)
})

test('the worker sends by itself, and stops while a mail server keeps silent', async () => {
  const sms = twilioSms({ base: inbox.smsBase, account: 'AC1', token: 't', from: 'LAKE' })
  const heard = Promise.withResolvers<void>()
  const silent = await smtp({
    // Never answers.
    onMailFrom: () => heard.resolve(),
  })
  const worker = startNoticeWorker(task(silent.mail, sms))
  await heard.promise
  await worker.stop()
  await silent.close()
  assert.equal((await notice('email')).state, 'queued')
})

test('a form too large for the inbox is refused and not kept', async () => {
  const before = inbox.list()
  const url = `${inbox.smsBase}/2010-04-01/Accounts/A/Messages.json`
  const body = new URLSearchParams({ To: '1', From: '2', Body: 'x'.repeat(40_000) })
  const response = await fetch(url, { method: 'POST', body })
  assert.equal(response.status, 413)
  assert.equal(inbox.list().texts.length, before.texts.length)
})
