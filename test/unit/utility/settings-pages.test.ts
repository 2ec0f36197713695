// The settings' pages over the real web app: what was typed stays, what is wrong stands beside its
// field, secrets never come back, and the environment stands above the page.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { createPasswords } from '../../../services/billing/access/shell/passwords.ts'
import { tokenHash } from '../../../services/billing/access/shell/tokens.ts'
import { NO_ENVIRONMENT } from '../../../services/billing/utility/core/environment.ts'
import { profileValues, NEW_PROFILE } from '../../../services/billing/utility/core/profile.ts'
import type { MailService } from '../../../services/billing/utility/core/services.ts'
import { buildApp } from '../../../services/billing/site/http/app.ts'
import { Secret } from '../../../shared/secret.ts'
import { shiftMs, spanMs } from '../../../shared/units.ts'
import { settingsDeps, TOKEN } from '../../fixtures/settings-deps.ts'
import { Browser } from '../../fixtures/web-browser.ts'
import { createWorld, FLEET, NOON } from '../../fixtures/web-world.ts'

type Change = Parameters<typeof settingsDeps>[0]
const PASSWORD = 'correct horse battery'
const WORD = 's3cret-word'

async function operatorAt(t: { after(work: () => unknown): void }, change: Change = {}) {
  const world = createWorld()
  const password = await createPasswords().hash(PASSWORD, new Uint8Array(16))
  world.operators.set('ada', { id: 1, password })
  const app = await buildApp({ ...world.deps, ...settingsDeps(change) })
  t.after(() => app.close())
  const browser = new Browser(app)
  await browser.post('/login', { name: 'ada', password: PASSWORD })
  return { browser, world, app }
}

const PROFILE = { ...profileValues(NEW_PROFILE), version: '1' }

test('the first operator lands on the checklist', async (t) => {
  const world = createWorld()
  const app: FastifyInstance = await buildApp(world.deps)
  t.after(() => app.close())
  const token = 'A'.repeat(22)
  const until = shiftMs(NOON, spanMs(60_000))
  const link = { purpose: 'setup', customer: null, until, used: false } as const
  world.links.set(tokenHash(token).toString('hex'), { ...link })
  const browser = new Browser(app)
  const made = await browser.post(`/setup/${token}`, { name: 'ada', password: PASSWORD })
  assert.equal(made.headers.location, '/start')
})

test('the checklist says what is missing, and links only to pages that exist', async (t) => {
  const { browser } = await operatorAt(t)
  const { body } = await browser.get('/start')
  assert.match(body, /Missing on bills: its name/)
  assert.match(body, /2 meters have no place/)
  assert.match(body, /Waiting for Mill Lane/)
  const done = await browser.post('/start/skip', { step: 'sms', skip: 'yes' }, '/start')
  assert.equal(done.headers.location, '/start')
  assert.match((await browser.get('/start')).body, /Not needed here, by your word/)
  const unknown = await browser.post('/start/skip', { step: 'rm', skip: 'yes' }, '/start')
  assert.equal(unknown.statusCode, 404)
})

test('a profile: what is wrong stands beside its field, and what was typed stays', async (t) => {
  const { browser } = await operatorAt(t)
  const typed = { ...PROFILE, name: 'Lakeside', zone: 'Asia/Nashik' }
  const wrong = await browser.post('/settings', typed)
  assert.equal(wrong.statusCode, 422)
  assert.match(wrong.body, /id="f-zone-error"[^>]*>[^<]*Asia\/Kolkata/)
  assert.match(wrong.body, /value="Lakeside"/)
  const saved = await browser.post('/settings', { ...typed, zone: 'Asia/Kolkata' })
  assert.equal(saved.headers.location, '/settings?saved=yes')
  const stale = await browser.post('/settings', { ...typed, zone: 'UTC', name: 'Hillside' })
  assert.equal(stale.statusCode, 409)
  assert.match(stale.body, /OPS-34.*Grace/s)
  assert.match(stale.body, /stored now <q>Lakeside<\/q>, typed by you <q>Hillside<\/q>/)
})

test('what the environment sets is shown with its variable and not offered (OPS-37)', async (t) => {
  const name = { value: 'From outside', by: 'TICKLOCK_UTILITY' }
  const utilityEnvironment = { ...NO_ENVIRONMENT, profile: { name } }
  const { browser, world } = await operatorAt(t, { utilityEnvironment })
  const { body } = await browser.get('/settings')
  assert.match(body, /From outside.*Set by <code>TICKLOCK_UTILITY/s)
  assert.doesNotMatch(body, /name="name"/)
  const forced = await browser.post('/settings', { ...PROFILE, name: 'Mine' })
  assert.equal(forced.statusCode, 422)
  assert.match(forced.body, /OPS-37 .*TICKLOCK_UTILITY/)
  const rest = await browser.post('/settings', { ...PROFILE, name: '', zone: 'UTC' })
  assert.equal(rest.statusCode, 303)
  const { profile } = await world.deps.utility.stored()
  assert.deepEqual([profile.name, profile.zone], [null, 'UTC'])
})

const MAIL = {
  host: 'smtp.example.org',
  port: '',
  tls: 'implicit',
  login: 'anna',
  from: 'bills@example.org',
  version: '0',
}

test('a test uses what is typed before saving; its password is not typed again to save', async (t) => {
  const tried: { service: MailService; secret: string; to: string }[] = []
  const said: unknown[] = []
  const { browser, world } = await operatorAt(t, {
    tryMail: async ({ service, secret }, { to }) => {
      tried.push({ service, secret: Buffer.from(secret ?? []).toString(), to })
      return { ok: true, said: '250 2.0.0 <b>queued</b>' }
    },
    say: (line, fields) => said.push([line, fields]),
  })
  const form = { ...MAIL, secret: WORD, to: 'ada@example.org' }
  const tested = await browser.post('/settings/mail/test', form, '/settings/mail')
  assert.equal(tested.statusCode, 200)
  assert.deepEqual(tried[0]?.secret, WORD)
  assert.equal(tried[0]?.service.peer.port, 465)
  assert.match(tested.body, /250 2\.0\.0 &lt;b>queued|250 2\.0\.0 &lt;b&gt;queued/)
  assert.match(tested.body, /value="smtp\.example\.org"/)
  assert.doesNotMatch(tested.body, new RegExp(WORD))
  assert.doesNotMatch(JSON.stringify(said), new RegExp(WORD))
  assert.match(JSON.stringify(said), /test of mail.*implicit smtp\.example\.org:465 anna/)
  assert.equal(await world.deps.utility.mail.read(), null, 'nothing is saved')
  // Another server gets no password that was typed for this one.
  const other = { ...MAIL, host: 'elsewhere.example', secret: '' }
  const refused = await browser.post('/settings/mail', other)
  assert.equal(refused.statusCode, 422)
  assert.match(refused.body, /id="f-secret-error"/)
  const saved = await browser.post('/settings/mail', { ...MAIL, secret: '' })
  assert.equal(saved.headers.location, '/settings/mail?saved=yes')
  const stored = await world.deps.utility.mail.read()
  assert.match(Buffer.from(stored?.secret ?? []).toString(), /implicit smtp.*\|s3cret-word$/)
  const { body } = await browser.get('/settings/mail')
  assert.match(body, /Kept; type a new one to change it/)
  assert.doesNotMatch(body, new RegExp(WORD))
  // The kept one is used for the same server, and for no other.
  const again = { ...MAIL, secret: '', to: 'ada@example.org', version: '1' }
  await browser.post('/settings/mail/test', again, '/settings/mail')
  assert.equal(tried.at(-1)?.secret, WORD)
  const stolen = { ...again, host: 'evil.example' }
  const kept = await browser.post('/settings/mail/test', stolen, '/settings/mail')
  assert.equal(kept.statusCode, 422)
  assert.match(kept.body, /the kept one belongs to implicit smtp\.example\.org:465 anna/)
  assert.equal(tried.length, 2)
})

test('a wrong address does not cost the typed password; blanks in a number go', async (t) => {
  const tried: string[] = []
  const { browser } = await operatorAt(t, {
    trySms: async ({ secret }, { to }) => {
      tried.push(`${Buffer.from(secret ?? []).toString()} ${to}`)
      return { ok: true, said: 'queued' }
    },
  })
  const sms = { kind: 'twilio', base: 'https://sms.example', login: 'AC', from: 'L' }
  const typed = { ...sms, secret: WORD, to: 'ada' }
  const wrong = await browser.post('/settings/sms/test', typed, '/settings/sms')
  assert.equal(wrong.statusCode, 422)
  assert.match(wrong.body, /id="f-to-error"/)
  assert.doesNotMatch(wrong.body, new RegExp(WORD))
  const again = { ...sms, secret: '', to: '+91 99000-00001' }
  const tested = await browser.post('/settings/sms/test', again, '/settings/sms')
  assert.equal(tested.statusCode, 200)
  assert.deepEqual(tried, [`${WORD} +919900000001`])
})

test('the seventh test within a minute is refused, mail and SMS together (OPS-23)', async (t) => {
  const { browser } = await operatorAt(t)
  const form = { ...MAIL, secret: WORD, to: 'ada@example.org' }
  for (let n = 0; n < 5; n += 1) await browser.post('/settings/mail/test', form, '/settings/mail')
  const sms = { kind: 'twilio', base: 'https://sms.example', login: 'AC', secret: 't', from: 'L' }
  const text = { ...sms, to: '+919900000001' }
  const sixth = await browser.post('/settings/sms/test', text, '/settings/sms')
  assert.match(sixth.body, /OPS-36 .*It refuses us\..*status 401/s)
  const seventh = await browser.post('/settings/mail/test', form, '/settings/mail')
  assert.match(seventh.body, /OPS-23/)
})

test('a server that the environment sets can be tested and not changed', async (t) => {
  const peer = { host: 'smtp.example.org', port: 465, tls: 'implicit', login: 'anna' } as const
  const service = { peer, from: 'bills@example.org' }
  const secret = new Secret(new Uint8Array(Buffer.from(WORD)))
  const tried: string[] = []
  const { browser } = await operatorAt(t, {
    utilityEnvironment: {
      ...NO_ENVIRONMENT,
      mail: { value: { service, secret }, by: 'TICKLOCK_SMTP_URL' },
    },
    tryMail: async (entry) => {
      tried.push(Buffer.from(entry.secret ?? []).toString())
      return { ok: false, fault: 'OPS-35', why: 'It refuses us.', said: '535 5.7.8 no' }
    },
  })
  const { body } = await browser.get('/settings/mail')
  assert.match(body, /smtp\.example\.org.*TICKLOCK_SMTP_URL/s)
  assert.doesNotMatch(body, new RegExp(`${WORD}|name="host"`))
  const saved = await browser.post('/settings/mail', MAIL)
  assert.equal(saved.statusCode, 409)
  assert.match(saved.body, /OPS-37/)
  for (let n = 0; n < 2; n += 1) {
    const tested = await browser.post(
      '/settings/mail/test',
      { to: 'a@x.example' },
      '/settings/mail',
    )
    assert.match(tested.body, /OPS-35 .*It refuses us\..*535 5\.7\.8 no/s)
  }
  assert.deepEqual(tried, [WORD, WORD], 'its own copy stays')
})

test('a new slave: its token is shown to who made it, until it is used', async (t) => {
  const device = FLEET[3]?.id ?? ''
  const { browser } = await operatorAt(t, {
    newDevice: async (name) => (name === 'Taken' ? null : { device, token: TOKEN }),
  })
  const taken = await browser.post('/fleet/new', { name: 'Taken' })
  assert.equal(taken.statusCode, 422)
  assert.match(taken.body, /there is a device of this name/)
  const nameless = await browser.post('/fleet/new', { name: ' ' })
  assert.match(nameless.body, /a name has 1 to 64/)
  const made = await browser.post('/fleet/new', { name: 'Mill Lane' })
  assert.equal(made.headers.location, `/fleet/${device}/token`)
  const shown = (await browser.get(`/fleet/${device}/token`)).body
  assert.match(shown, /TOKE-N000/)
  assert.match(shown, /aria-label="The token as a QR code"/)
  assert.match(shown, /npm run ticklock -- slave \/etc\/ticklock\/slave\.toml/)
  assert.match(shown, /Not heard of yet/)
  const arrived = FLEET[0]?.id ?? ''
  const used = (await browser.get(`/fleet/${arrived}/token`)).body
  assert.match(used, /It has arrived/)
  assert.doesNotMatch(used, /Make another token/)
})
