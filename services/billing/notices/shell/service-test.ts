// A real test mail or SMS by a service as it stands in a form, before anything is saved. The answer
// is what the other side said, in its own words, and what that means in ours.
//
// Whoever may log in as an operator can name any host here. So a test is bounded in time and
// number, speaks nothing but SMTP or a gateway's request, shows one line of the answer, and never
// goes to link-local addresses, where clouds keep their secrets (threat-model.md).

import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import { errorText } from '../../../../shared/node/fault-error.ts'
import type { MailService, SmsService } from '../../utility/core/services.ts'
import type { TestMessage, TestResult } from '../../utility/core/trial.ts'
import type { Culprit } from '../core/refusals.ts'
import { type Delivery, detailOf } from './delivery.ts'
import type { Letter } from './letter.ts'
import { mailDriver, smsDriver } from './senders.ts'

/** Longest a test may take, milliseconds: somebody waits before the page. */
export const TEST_MS_MAX = 20_000

/** Overwrites the secret. */
export async function testMail(
  { service, secret }: { readonly service: MailService; readonly secret: Uint8Array | null },
  message: TestMessage,
  limitMs = TEST_MS_MAX,
): Promise<TestResult> {
  const driver = mailDriver(service, secret, message.utility ?? '')
  secret?.fill(0)
  const { to, now: at } = message
  return run({ fault: 'OPS-35', host: service.peer.host, limitMs }, (signal) =>
    driver.send({ to, key: `test-${at}`, letter: letterOf(message), at }, signal),
  )
}

/** Overwrites the secret. */
export async function testSms(
  { service, secret }: { readonly service: SmsService; readonly secret: Uint8Array | null },
  message: TestMessage,
  limitMs = TEST_MS_MAX,
): Promise<TestResult> {
  const driver = smsDriver(service, secret)
  secret?.fill(0)
  const { to, now } = message
  const text = `Test from Ticklock${message.utility === null ? '' : ` for ${message.utility}`}`
  const host = new URL(service.peer.base).hostname.replace(/^\[(.*)\]$/, '$1')
  return run({ fault: 'OPS-36', host, limitMs }, (signal) =>
    driver.send({ to, text, key: `test-${now}` }, signal),
  )
}

interface Trial {
  readonly fault: 'OPS-35' | 'OPS-36'
  readonly host: string
  readonly limitMs: number
}

async function run(
  { fault, host, limitMs }: Trial,
  send: (signal: AbortSignal) => Promise<Delivery>,
): Promise<TestResult> {
  const forbidden = await forbiddenTarget(host)
  if (forbidden !== null) return { ok: false, fault, why: forbidden, said: '' }
  const limit = AbortSignal.timeout(limitMs)
  const delivery = await send(limit)
  if (delivery.ok) return { ok: true, said: delivery.said }
  if (limit.aborted) {
    const why = `No answer within ${limitMs / 1_000} s: check host, port and firewall.`
    return { ok: false, fault, why, said: '' }
  }
  return { ok: false, fault, why: MEANINGS[delivery.culprit], said: delivery.detail }
}

const MEANINGS: Readonly<Record<Culprit, string>> = {
  recipient: 'It refuses the address that the test was for.',
  ours: 'It answers, and refuses us: login, sender or security.',
  away: 'Nobody answers there as we expect: check host, port and security.',
  passing: 'It answers, and says not now.',
}

const FORBIDDEN = new BlockList()
FORBIDDEN.addSubnet('169.254.0.0', 16)
FORBIDDEN.addSubnet('0.0.0.0', 8)
FORBIDDEN.addSubnet('224.0.0.0', 3)
FORBIDDEN.addSubnet('fe80::', 10, 'ipv6')
FORBIDDEN.addSubnet('ff00::', 8, 'ipv6')
FORBIDDEN.addSubnet('fd00:ec2::', 32, 'ipv6')
FORBIDDEN.addAddress('::', 'ipv6')

/** Why nothing is sent there, in words; null: it may be. A name that leads elsewhere a moment later
 * gets past this. */
async function forbiddenTarget(host: string): Promise<string | null> {
  const found =
    isIP(host) === 0
      ? await lookup(host, { all: true }).catch((error: unknown) => detailOf(errorText(error)))
      : [{ address: host, family: isIP(host) }]
  if (typeof found === 'string') return `There is no host of this name (${found}).`
  const bad = found.find(({ address, family }) =>
    FORBIDDEN.check(address, family === 6 ? 'ipv6' : 'ipv4'),
  )
  return bad === undefined ? null : `Nothing is sent to ${bad.address}: no service lives there.`
}

function letterOf({ to, utility, publicUrl }: TestMessage): Letter {
  const links =
    publicUrl === null
      ? 'No public address is set yet: until it is, no bill is mailed.'
      : `Links in bills will begin with ${publicUrl}.`
  const lines = [
    `This is the test of a mail server, sent from the settings of Ticklock${
      utility === null ? '' : ` for ${utility}`
    }.`,
    'If you can read it, bills can leave this way.',
    links,
  ]
  return {
    toName: to,
    subject: 'Test from Ticklock',
    text: `${lines.join('\n\n')}\n`,
    html: '',
    attachment: null,
  }
}
