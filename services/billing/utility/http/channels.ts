// What differs between the page of the mail server and that of the SMS gateway.

import { mailProblem, phoneOf, phoneProblem } from '../core/addresses.ts'
import type { Fixed, FixedService } from '../core/environment.ts'
import {
  checkMail,
  checkSms,
  type MailService,
  mailPeerName,
  mailValues,
  type SmsService,
  smsPeerName,
  smsValues,
  type Verdict,
} from '../core/services.ts'
import type { TestMessage, TestResult } from '../core/trial.ts'
import type { ServiceStore } from '../db/store.ts'
import { MAIL_WORDS, type ServiceWords, SMS_WORDS } from '../pages/service-words.tsx'
import type { Tried, UtilityDeps } from './deps.ts'

export interface Channel<Service extends { readonly from: string }> {
  readonly what: 'mail' | 'sms'
  readonly words: ServiceWords
  readonly names: readonly string[]
  readonly store: ServiceStore<Service>
  readonly fixed: Fixed<FixedService<Service>> | null
  readonly fixedFrom: Fixed<string> | null
  /** What the form holds before anything is entered. */
  readonly first: Readonly<Record<string, string>>
  valuesOf(service: Service): Readonly<Record<string, string>>
  check(values: Readonly<Record<string, string>>, secret: boolean): Verdict<Service>
  /** What its secret is bound to. */
  peerName(service: Service): string
  /** What is wrong with the address of a test; null: nothing. */
  /** The address without what people write for people. */
  addressOf(to: string): string
  addressProblem(to: string): string | null
  attempt(tried: Tried<Service>, message: TestMessage): Promise<TestResult>
}

const textIn = (values: Readonly<Record<string, string>>, name: string): string =>
  values[name] ?? ''

export const mailChannel = (deps: UtilityDeps): Channel<MailService> => ({
  what: 'mail',
  words: MAIL_WORDS,
  names: ['host', 'port', 'tls', 'login', 'from'],
  store: deps.utility.mail,
  fixed: deps.utilityEnvironment.mail,
  fixedFrom: deps.utilityEnvironment.mailFrom,
  first: { tls: 'starttls' },
  valuesOf: mailValues,
  check: (values, secret) =>
    checkMail(
      {
        host: textIn(values, 'host'),
        port: textIn(values, 'port'),
        tls: textIn(values, 'tls'),
        login: textIn(values, 'login'),
        from: textIn(values, 'from'),
      },
      secret,
    ),
  peerName: ({ peer }) => mailPeerName(peer),
  addressOf: (to) => to,
  addressProblem: mailProblem,
  attempt: deps.tryMail,
})

export const smsChannel = (deps: UtilityDeps): Channel<SmsService> => ({
  what: 'sms',
  words: SMS_WORDS,
  names: ['kind', 'base', 'login', 'from'],
  store: deps.utility.sms,
  fixed: deps.utilityEnvironment.sms,
  fixedFrom: deps.utilityEnvironment.smsFrom,
  first: { kind: 'twilio', base: 'https://api.twilio.com' },
  valuesOf: smsValues,
  check: (values, secret) =>
    checkSms(
      {
        kind: textIn(values, 'kind'),
        base: textIn(values, 'base'),
        login: textIn(values, 'login'),
        from: textIn(values, 'from'),
      },
      secret,
    ),
  peerName: ({ peer }) => smsPeerName(peer),
  addressOf: phoneOf,
  addressProblem: phoneProblem,
  attempt: deps.trySms,
})
