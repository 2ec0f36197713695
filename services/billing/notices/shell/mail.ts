// Mail over SMTP (nodemailer), with attachment. A mail keeps its Message-ID through all attempts,
// so that a repeat after a crash is distinguishable from a second bill.

import { domainToASCII } from 'node:url'
import { createTransport } from 'nodemailer'
import SMTPConnection, { type SMTPConnectionOptions } from 'nodemailer/lib/smtp-connection'
import { errorText, FaultError } from '../../../../shared/node/fault-error.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import { mailCulprit } from '../core/refusals.ts'
import type { Letter } from './letter.ts'
import { type Delivery, DELIVERY_MS_MAX, detailOf, unsendable } from './delivery.ts'
import { isThisMachine } from '../../utility/core/services.ts'

/** Connecting and waiting for the greeting, milliseconds each. */
const CONNECT_MS_MAX = 15_000
/** Silence in the middle of a session, milliseconds. */
const SILENCE_MS_MAX = 20_000

export interface MailOptions {
  readonly host: string
  readonly port: number
  /** `implicit`: TLS from the first byte (465). `starttls`: refuses to continue without it
   * (587). */
  readonly tls: 'none' | 'starttls' | 'implicit'
  /** Null: the server accepts mail without a login. */
  readonly login: { readonly user: string; readonly password: string } | null
  /** Sender's address, bare: `bills@utility.example`. */
  readonly from: string
  readonly fromName: string
  /** PEM of a private certificate authority; null: those the system trusts. */
  readonly ca?: string | null
}

export interface Mail {
  readonly to: string
  /** Same for every attempt of this notice, letters, digits, `.` and `-`. */
  readonly key: string
  readonly letter: Letter
  /** When it is sent: filters distrust a `Date:` of weeks ago. */
  readonly at: UnixMs
}

export interface MailDriver {
  /** One attempt. BIL-09 when the server is away, refuses, would accept the mail without our
   * login, or does not know SMTPUTF8 where `to` needs it; OPS-27 when `to` is not one address: then
   * nothing is sent. */
  send(mail: Mail, signal: AbortSignal): Promise<Delivery>
}

const NO_UTF8: Delivery = {
  ok: false,
  fault: 'BIL-09',
  culprit: 'ours',
  detail: 'the mail server does not offer SMTPUTF8, which this address needs',
}

/** OPS-05 when a password would cross a network in the clear. */
export function openMail(options: MailOptions): MailDriver {
  const { host, port, tls, login } = options
  if (login !== null && tls === 'none' && !isThisMachine(host))
    throw new FaultError('OPS-05', 'mail server: a password needs smtps or smtp+starttls')
  const server = {
    host,
    port,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    ...(options.ca === undefined || options.ca === null ? {} : { tls: { ca: options.ca } }),
    connectionTimeout: CONNECT_MS_MAX,
    greetingTimeout: CONNECT_MS_MAX,
    socketTimeout: SILENCE_MS_MAX,
  }
  const transport = createTransport({
    ...server,
    ...(login === null ? {} : { auth: { user: login.user, pass: login.password } }),
    // Without this nodemailer skips the login, silently, when a server does not offer it.
    forceAuth: login !== null,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const domain = options.from.split('@').pop() ?? 'localhost'
  return {
    async send({ to, key, letter, at }, signal) {
      const refused = unsendable('email', to)
      if (refused !== null) return refused
      const { toName, subject, text, html, attachment } = letter
      const ending = AbortSignal.any([signal, AbortSignal.timeout(DELIVERY_MS_MAX)])
      try {
        if (needsUtf8(to) && !(await offersUtf8(server, ending))) return NO_UTF8
        const sent = await transport.sendMail({
          from: { name: options.fromName, address: options.from },
          to: { name: toName, address: to },
          envelope: { from: options.from, to: [onTheWire(to)] },
          messageId: `<${key}@${domain}>`,
          date: new Date(at),
          subject,
          text,
          html,
          headers: { 'Auto-Submitted': 'auto-generated' },
          attachments: attachmentsOf(attachment),
          signal: ending,
        })
        return { ok: true, providerId: detailOf(sent.messageId), said: detailOf(sent.response) }
      } catch (error) {
        return failed(error)
      }
    },
  }
}

const attachmentsOf = (attachment: Letter['attachment']) =>
  attachment === null
    ? []
    : [
        {
          filename: attachment.name,
          content: Buffer.from(attachment.content),
          contentType: attachment.type,
        },
      ]

/** Codes of nodemailer's own for a server that offers no login or no TLS where we insist on it, and
 * for a login that it refuses. */
const OUR_CODES: ReadonlySet<unknown> = new Set(['EAUTH', 'ENOAUTH', 'ETLS'])

function failed(error: unknown): Delivery {
  const field = (name: string): unknown =>
    typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined
  const text = (name: string): string => {
    const value = field(name)
    return typeof value === 'string' ? value : ''
  }
  const code = field('responseCode')
  const refusal = {
    command: text('command'),
    code: typeof code === 'number' ? code : null,
    response: text('response'),
  }
  const culprit = OUR_CODES.has(field('code')) ? 'ours' : mailCulprit(refusal)
  return { ok: false, fault: 'BIL-09', culprit, detail: detailOf(errorText(error)) }
}

/** The domain in its ASCII form, which every server takes (RFC 5890). */
function onTheWire(address: string): string {
  const at = address.lastIndexOf('@') + 1
  return `${address.slice(0, at)}${domainToASCII(address.slice(at))}`
}

/** Letters outside ASCII before the @ need SMTPUTF8 (RFC 6531); a domain has an ASCII form. */
const needsUtf8 = (address: string): boolean =>
  /[^\p{ASCII}]/u.test(address.slice(0, address.lastIndexOf('@')))

/** Whether the server takes such an address. nodemailer would send it all the same, and a server
 * that does not know the extension may deliver it to somebody else. So we ask first, on a
 * connection of its own; few customers have such an address. */
function offersUtf8(options: SMTPConnectionOptions, signal: AbortSignal): Promise<boolean> {
  const connection = new SMTPConnection(options)
  const over = Promise.withResolvers<boolean>()
  const stop = (): void => over.reject(new Error('stopped while asking for SMTPUTF8'))
  signal.addEventListener('abort', stop, { once: true })
  connection.on('error', over.reject)
  connection.on('end', () => over.reject(new Error('the mail server hung up')))
  connection.connect((error) => {
    if (error !== undefined && error !== null) return over.reject(error)
    over.resolve(/[ -]SMTPUTF8\b/im.test(String(connection.lastServerResponse)))
  })
  return over.promise.finally(() => {
    signal.removeEventListener('abort', stop)
    connection.close()
  })
}
