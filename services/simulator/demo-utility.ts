// Whose bills the demo makes, and how they leave: to a mail server and an SMS gateway on this
// machine. It stands above what is entered on pages, as the environment of a real head-end does.

import type { UtilityEnvironment } from '../billing/utility/core/environment.ts'
import { fromText } from '../../shared/bytes.ts'
import { Secret } from '../../shared/secret.ts'
import { DEMO_UTILITY } from './demo-tariff.ts'
import type { Inbox } from './inbox.ts'
import { DEMO_ZONE } from './neighbourhood.ts'

const BY = 'the demo'

/** `url`: where the pages are, for the links in notices. */
export function demoUtility(
  { smtpPort: port, smsBase: base }: Pick<Inbox, 'smtpPort' | 'smsBase'>,
  url: string,
): UtilityEnvironment {
  const fixed = <T>(value: T) => ({ value, by: BY })
  const { name, address, contact, payment } = DEMO_UTILITY
  const mail = { host: '127.0.0.1', port, tls: 'none', login: '' } as const
  const sms = { kind: 'twilio', base, login: 'demo' } as const
  return {
    profile: {
      name: fixed(name),
      address: fixed(address),
      contact: fixed(contact),
      payment: fixed(payment),
      currency: fixed('INR'),
      zone: fixed(DEMO_ZONE),
      issuing: fixed('automatic'),
      publicUrl: fixed(url),
    },
    mail: fixed({ service: { peer: mail, from: 'bills@lakeside.example' }, secret: null }),
    mailFrom: null,
    sms: fixed({
      service: { peer: sms, from: 'LAKESIDE' },
      secret: new Secret(fromText('demo')),
    }),
    smsFrom: null,
  }
}
