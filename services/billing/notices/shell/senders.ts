// How notices leave, by what holds at this moment: the environment, and otherwise what operators
// entered on pages. Asked before each look at the outbox, so that a change needs no restart; a
// driver is made anew only when something of it changed.

import type { Kysely } from 'kysely'
import { faultLine } from '../../../../shared/faults.ts'
import type { SecretBox, SecretPlace } from '../../../../shared/handover/roster.ts'
import type { FixedService, UtilityEnvironment } from '../../utility/core/environment.ts'
import {
  type MailService,
  mailPeerName,
  type SmsService,
  smsPeerName,
} from '../../utility/core/services.ts'
import { readUtility } from '../../utility/db/profile.ts'
import { MAIL, SMS, type StoredService } from '../../utility/db/services.ts'
import type { Database } from '../../store/schema.ts'
import { type MailDriver, openMail } from './mail.ts'
import type { NoticeDrivers } from './notice-worker.ts'
import { kannelSms, type SmsDriver, twilioSms } from './sms.ts'

/** What a sender needs of the rest. */
export interface SenderSetup {
  readonly db: Kysely<Database>
  readonly environment: UtilityEnvironment
  readonly secrets: SecretBox
  readonly log: (line: string) => void
}

/** A service that is set, and how to get at its secret. */
interface Sender<Service> {
  readonly service: Service
  /** Changes with the setting. */
  readonly version: string
  /** A copy of the secret, for the caller to overwrite; null: none; `closed`: it does not open. */
  readonly open: () => Uint8Array | null | 'closed'
}

/** A password as the libraries want it: they keep it as text for as long as a driver lives. */
const textOf = (secret: Uint8Array | null): string =>
  secret === null ? '' : Buffer.from(secret).toString('utf8')

/** Throws OPS-05 where a password would cross a network in clear. */
export function mailDriver(
  { peer, from }: MailService,
  secret: Uint8Array | null,
  fromName: string,
): MailDriver {
  const { login, ...server } = peer
  const user = login === '' ? null : { user: login, password: textOf(secret) }
  return openMail({ ...server, login: user, from, fromName })
}

/** Throws OPS-05 where a password would cross a network in clear. */
export function smsDriver({ peer, from }: SmsService, secret: Uint8Array | null): SmsDriver {
  const { kind, base, login } = peer
  const password = textOf(secret)
  return kind === 'twilio'
    ? twilioSms({ base, account: login, token: password, from })
    : kannelSms({ base, user: login, password, from })
}

/** The way to ask for what holds now. */
export function openSenders(setup: SenderSetup): () => Promise<NoticeDrivers> {
  const { db, environment, log } = setup
  const mails = lastMade<MailDriver>()
  const texts = lastMade<SmsDriver>()
  let told = ''
  /** Once, until something else is to be told. */
  const tell = (line: string): void => {
    if (told !== line && line !== '') log(line)
    told = line
  }
  return async () => {
    const profile = await readUtility(db, environment)
    const [mail, sms] = await Promise.all([mailNow(setup), smsNow(setup)])
    const addressless = profile.publicUrl === null
    if (addressless || (mail === null && sms === null)) {
      tell(mail === null && sms === null ? '' : NO_ADDRESS)
      return { mail: null, sms: null }
    }
    const fromName = profile.name ?? ''
    const drivers = {
      mail: mails(mail, fromName, (service, secret) => mailDriver(service, secret, fromName)),
      sms: texts(sms, '', smsDriver),
    }
    const closed = [
      ...(mail !== null && drivers.mail === null ? ['mail'] : []),
      ...(sms !== null && drivers.sms === null ? ['SMS'] : []),
    ]
    tell(closed.length === 0 ? '' : faultLine('OPS-24', `password for ${closed.join(' and ')}`))
    return drivers
  }
}

const NO_ADDRESS =
  'mail and SMS wait: the links in them need a public address, on the page Settings or by ' +
  'TICKLOCK_PUBLIC_URL'

/** Keeps the last driver made, until the setting or the name changes. Null: not set, or its secret
 * does not open. */
function lastMade<Driver>() {
  let last: { readonly key: string; readonly driver: Driver | null } | null = null
  return <Service>(
    sender: Sender<Service> | null,
    name: string,
    make: (service: Service, secret: Uint8Array | null) => Driver,
  ): Driver | null => {
    if (sender === null) return null
    const key = `${sender.version} ${name}`
    if (last !== null && last.key === key) return last.driver
    const secret = sender.open()
    const driver = secret === 'closed' ? null : make(sender.service, secret)
    if (secret !== null && secret !== 'closed') secret.fill(0)
    last = { key, driver }
    return driver
  }
}

async function mailNow(setup: SenderSetup): Promise<Sender<MailService> | null> {
  const { mail: fixed, mailFrom } = setup.environment
  if (fixed !== null) return fixedSender(fixed.value)
  const stored = await MAIL.read(setup.db)
  if (stored === null) return null
  const service = { ...stored.service, from: mailFrom?.value ?? stored.service.from }
  const place = { is: 'service', service: 'mail', peer: mailPeerName(service.peer) } as const
  return storedSender(setup, { ...stored, service }, place)
}

async function smsNow(setup: SenderSetup): Promise<Sender<SmsService> | null> {
  const { sms: fixed, smsFrom } = setup.environment
  if (fixed !== null) return fixedSender(fixed.value)
  const stored = await SMS.read(setup.db)
  if (stored === null) return null
  const service = { ...stored.service, from: smsFrom?.value ?? stored.service.from }
  const place = { is: 'service', service: 'sms', peer: smsPeerName(service.peer) } as const
  return storedSender(setup, { ...stored, service }, place)
}

const fixedSender = <Service>({ service, secret }: FixedService<Service>): Sender<Service> => ({
  service,
  version: 'fixed',
  open: () => (secret === null ? null : Uint8Array.from(secret.reveal())),
})

const storedSender = <Service extends { readonly from: string }>(
  { secrets }: SenderSetup,
  { service, secret, version }: StoredService<Service>,
  place: SecretPlace,
): Sender<Service> => ({
  service,
  version: `${version} ${service.from}`,
  open: () => (secret === null ? null : (secrets.unwrap(secret, place) ?? 'closed')),
})
