// What operators enter about the utility: stored with who and why, read anew for every bill and
// notice, its secrets wrapped and bound to where they are sent, and tried before they are saved.

import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, before, beforeEach, test } from 'node:test'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { openSenders } from '../../services/billing/notices/shell/senders.ts'
import { testMail, testSms } from '../../services/billing/notices/shell/service-test.ts'
import { changesOf } from '../../services/billing/store/changes.ts'
import {
  NO_ENVIRONMENT,
  type UtilityEnvironment,
} from '../../services/billing/utility/core/environment.ts'
import { NEW_PROFILE, type ProfileEntry } from '../../services/billing/utility/core/profile.ts'
import { type MailService, mailPeerName } from '../../services/billing/utility/core/services.ts'
import {
  logoContent,
  readUtility,
  saveLogo,
  saveProfile,
  setSkipped,
  storedProfile,
  UTILITY_ROWS,
} from '../../services/billing/utility/db/profile.ts'
import { forgetService, MAIL, saveService } from '../../services/billing/utility/db/services.ts'
import { readLogo } from '../../services/billing/utility/shell/logo-file.ts'
import { openKeyStore } from '../../services/master/shell/keys/key-store.ts'
import { type Inbox, startInbox } from '../../services/simulator/inbox.ts'
import { unixMs } from '../../shared/units.ts'
import { png } from '../fixtures/logos.ts'
import { type TestPostgres, temporaryFolder, testPostgres } from './postgres.ts'

const AUTHOR = { who: 'Ada', why: 'settings', importId: null }
const NOW = unixMs(Date.UTC(2026, 10, 30))
const WORD = 's3cret-word'
const { logo: _logo, ...ENTRY } = NEW_PROFILE

let postgres: TestPostgres
let inbox: Inbox
const { folder, remove } = temporaryFolder()
const keys = openKeyStore(`${folder}/keys`)
const lines: string[] = []

before(async () => {
  postgres = await testPostgres()
  inbox = await startInbox({ now: () => NOW })
})
after(async () => {
  await inbox.close()
  await postgres.close()
  remove()
})
beforeEach(() => {
  lines.length = 0
})

const save = async (change: Partial<ProfileEntry>) => {
  const { version } = await storedProfile(postgres.db.kysely)
  const entry = { profile: { ...ENTRY, ...change }, version }
  return saveProfile(postgres.db.kysely, entry, AUTHOR)
}
const senders = (environment: UtilityEnvironment = NO_ENVIRONMENT) =>
  openSenders({
    db: postgres.db.kysely,
    environment,
    secrets: keys,
    log: (line) => lines.push(line),
  })
const mailTo = (port: number, login = ''): MailService => ({
  peer: { host: '127.0.0.1', port, tls: 'none', login },
  from: 'bills@lakeside.example',
})
const wrap = (service: MailService, text = WORD) => ({
  is: 'set' as const,
  wrapped: keys.wrap(new Uint8Array(Buffer.from(text)), {
    is: 'service',
    service: 'mail',
    peer: mailPeerName(service.peer),
  }),
})
const saveMail = async (
  service: MailService,
  secret: Parameters<typeof saveService>[2]['secret'],
) => {
  const version = (await MAIL.read(postgres.db.kysely))?.version ?? 0
  return saveService(postgres.db.kysely, MAIL, { service, secret, version }, AUTHOR)
}

test('a new database has a utility without a name, and issues by hand', async () => {
  const { profile, skipped } = await storedProfile(postgres.db.kysely)
  assert.deepEqual(profile, NEW_PROFILE)
  assert.equal(profile.issuing, 'by hand')
  assert.deepEqual(skipped, [])
})

test('two people at one profile: the second is told, and each change names who and why', async () => {
  const { kysely } = postgres.db
  const { version } = await storedProfile(kysely)
  const first = { profile: { ...ENTRY, name: 'Lakeside' }, version }
  assert.deepEqual(await saveProfile(kysely, first, AUTHOR), { is: 'saved' })
  const second = { profile: { ...ENTRY, name: 'Hillside' }, version }
  assert.deepEqual(await saveProfile(kysely, second, AUTHOR), { is: 'stale' })
  assert.equal((await readUtility(kysely, NO_ENVIRONMENT)).name, 'Lakeside')
  const fixed = { name: { value: 'From outside', by: 'TICKLOCK_UTILITY' } }
  assert.equal((await readUtility(kysely, { profile: fixed })).name, 'From outside')
  const [change] = await changesOf(kysely, [{ what: 'utility', id: UTILITY_ROWS.profile }], 5)
  assert.deepEqual([change?.who, change?.why], ['Ada', 'settings'])
  assert.match(JSON.stringify(change?.after), /Lakeside/)
})

test('a logo that is replaced stays under its hash: bills that show it never change', async () => {
  const { kysely } = postgres.db
  const files = [readLogo(png(4, 4)), readLogo(png(5, 4))]
  for (const file of files) {
    assert.ok(file.ok)
    await saveLogo(kysely, file.logo, AUTHOR)
  }
  const [first, second] = files.map((file) => (file.ok ? file.logo : null))
  assert.equal((await readUtility(kysely, NO_ENVIRONMENT)).logo?.hash, second?.hash)
  const kept = await logoContent(kysely, first?.hash ?? '')
  assert.deepEqual(kept?.content, png(4, 4))
  await saveLogo(kysely, null, AUTHOR)
  assert.equal((await readUtility(kysely, NO_ENVIRONMENT)).logo, null)
})

test('a step of the checklist that is not needed here, and needed again', async () => {
  const { kysely } = postgres.db
  await setSkipped(kysely, { step: 'sms', skip: true })
  await setSkipped(kysely, { step: 'sms', skip: true })
  assert.deepEqual((await storedProfile(kysely)).skipped, ['sms'])
  await setSkipped(kysely, { step: 'sms', skip: false })
  assert.deepEqual((await storedProfile(kysely)).skipped, [])
})

test('a kept secret goes to the peer it was typed for and to no other', async () => {
  const { kysely, pool } = postgres.db
  const anna = mailTo(2_525, 'anna')
  assert.deepEqual(await saveMail(anna, wrap(anna)), { is: 'saved' })
  assert.deepEqual(await saveMail({ ...anna, from: 'b@x.example' }, { is: 'kept' }), {
    is: 'saved',
  })
  for (const service of [mailTo(2_526, 'anna'), mailTo(2_525, 'bert')]) {
    assert.deepEqual(await saveMail(service, { is: 'kept' }), { is: 'unbound' })
  }
  assert.equal((await MAIL.read(kysely))?.service.from, 'b@x.example')
  // Neither the rows nor the record of changes hold it.
  const { rows } = await pool.query<{ text: string }>(`
    select coalesce(string_agg(m::text, ''), '') || (select string_agg(c::text, '') from changes c)
      as text from mail_service m`)
  assert.ok((rows[0]?.text.length ?? 0) > 200)
  assert.doesNotMatch(rows[0]?.text ?? '', new RegExp(WORD))
  const hex = Buffer.from(WORD).toString('hex')
  assert.doesNotMatch(rows[0]?.text ?? '', new RegExp(hex))
})

test('drivers follow the settings while they run; a row changed behind our back is OPS-24', async () => {
  const { kysely } = postgres.db
  const drivers = senders()
  await forgetService(kysely, MAIL, AUTHOR)
  await save({ name: 'Lakeside' })
  assert.deepEqual(await drivers(), { mail: null, sms: null })
  await saveMail(mailTo(inbox.smtpPort), { is: 'set', wrapped: null })
  assert.deepEqual(await drivers(), { mail: null, sms: null }, 'no public address yet')
  assert.equal((await drivers()).mail, null)
  assert.equal(lines.filter((line) => line.includes('public address')).length, 1, 'told once')
  await save({ name: 'Lakeside', publicUrl: 'https://bills.example' })
  const { mail } = await drivers()
  assert.notEqual(mail, null)
  assert.equal((await drivers()).mail, mail, 'the same as long as nothing changes')
  await save({ name: 'Lakeside Power', publicUrl: 'https://bills.example' })
  assert.notEqual((await drivers()).mail, mail)
  const anna = mailTo(inbox.smtpPort, 'anna')
  await saveMail(anna, wrap(anna))
  assert.notEqual((await drivers()).mail, null)
  await postgres.owner.query("update mail_service set host = 'localhost', version = version + 1")
  assert.equal((await drivers()).mail, null)
  assert.match(lines.at(-1) ?? '', /^OPS-24 .*password for mail/)
})

test('what the environment sets needs no row and no wrap', async () => {
  await forgetService(postgres.db.kysely, MAIL, AUTHOR)
  const service = { service: mailTo(inbox.smtpPort), secret: null }
  const drivers = senders({ ...NO_ENVIRONMENT, mail: { value: service, by: 'TICKLOCK_SMTP_URL' } })
  assert.notEqual((await drivers()).mail, null)
})

const MESSAGE = { to: 'ada@x.example', utility: 'Lakeside', publicUrl: null, now: NOW }

/** A mail server that behaves as told; closed with the test. */
async function smtp(t: { after(work: () => unknown): void }, options: SMTPServerOptions) {
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    disableReverseLookup: true,
    closeTimeout: 100,
    ...options,
  })
  server.on('error', () => {})
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.after(() => new Promise<void>((done) => server.close(done)))
  const address = server.server.address()
  assert.ok(address !== null && typeof address === 'object')
  return address.port
}

test('a test mail arrives, and its result is the server’s own line', async () => {
  const before = inbox.list().mails.length
  const result = await testMail({ service: mailTo(inbox.smtpPort), secret: null }, MESSAGE)
  assert.ok(result.ok, JSON.stringify(result))
  assert.match(result.said, /^250 /)
  const { mails } = inbox.list()
  assert.equal(mails.length, before + 1)
  assert.match(mails[0]?.text ?? '', /test of a mail server.*for Lakeside/s)
  assert.deepEqual(mails[0]?.attachments, [])
})

test('a wrong password, a refused sender, a dead port, a mute server: each in words', async (t) => {
  const secret = () => new Uint8Array(Buffer.from(WORD))
  const wrong = await smtp(t, {
    onAuth: (_auth, _session, done) => done(new Error('5.7.8 wrong password')),
  })
  const refused = await testMail({ service: mailTo(wrong, 'anna'), secret: secret() }, MESSAGE)
  assert.ok(!refused.ok)
  assert.equal(refused.fault, 'OPS-35')
  assert.match(refused.why, /refuses us: login/)
  assert.match(refused.said, /535 5\.7\.8 wrong password/)
  assert.doesNotMatch(JSON.stringify(refused), new RegExp(WORD))
  const sender = await smtp(t, {
    authOptional: true,
    onMailFrom: (_from, _session, done) =>
      done(Object.assign(new Error('5.7.1 sender not allowed'), { responseCode: 550 })),
  })
  const told = await testMail({ service: mailTo(sender), secret: null }, MESSAGE)
  assert.match(told.ok ? '' : told.said, /550 5\.7\.1 sender not allowed/)
  const dead = await testMail({ service: mailTo(9), secret: null }, MESSAGE)
  assert.match(dead.ok ? '' : `${dead.why} ${dead.said}`, /Nobody answers.*ECONNREFUSED/)
  const mute = createServer(() => {})
  await new Promise<void>((done) => mute.listen(0, '127.0.0.1', done))
  t.after(() => mute.close())
  const address = mute.address()
  assert.ok(address !== null && typeof address === 'object')
  const late = await testMail({ service: mailTo(address.port), secret: null }, MESSAGE, 300)
  assert.match(late.ok ? '' : late.why, /No answer within 0\.3 s/)
})

test('a test overwrites its copy of the secret', async () => {
  const secret = new Uint8Array(Buffer.from(WORD))
  await testMail({ service: mailTo(9, 'anna'), secret }, MESSAGE)
  assert.deepEqual(secret, new Uint8Array(WORD.length))
})

test('a test SMS arrives; a gateway that refuses is quoted', async () => {
  const peer = { kind: 'twilio', base: inbox.smsBase, login: 'AC1' } as const
  const service = { peer, from: 'LAKE' }
  const to = '+919900000001'
  const result = await testSms({ service, secret: Buffer.from('t') }, { ...MESSAGE, to })
  assert.ok(result.ok, JSON.stringify(result))
  assert.match(result.said, /^status 201 /)
  assert.equal(inbox.list().texts[0]?.text, 'Test from Ticklock for Lakeside')
  const kannel = { kind: 'kannel', base: inbox.smsBase, login: '' } as const
  const other = await testSms(
    { service: { peer: kannel, from: 'L' }, secret: null },
    { ...MESSAGE, to },
  )
  assert.ok(!other.ok)
  assert.equal(other.fault, 'OPS-36')
  assert.match(other.said, /^status 404/)
})

test('no test goes to link-local addresses, where clouds keep their secrets', async () => {
  for (const host of ['169.254.169.254', '[fe80::1]', '0.0.0.0', '[fd00:ec2::254]']) {
    const base = `http://${host}`
    const service = { peer: { kind: 'kannel', base, login: '' } as const, from: 'L' }
    const result = await testSms({ service, secret: null }, { ...MESSAGE, to: '+919900000001' })
    assert.match(result.ok ? '' : result.why, /no service lives there/, host)
    assert.equal(result.ok ? '' : result.said, '')
  }
})
