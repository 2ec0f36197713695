// Mail over SMTP (nodemailer), with attachment. A mail keeps its Message-ID through all attempts,
// so that a repeat after a crash is distinguishable from a second bill.

import { createTransport } from 'nodemailer'
import { errorText, FaultError } from '../../../../shared/node/fault-error.ts'
import type { Letter } from './letter.ts'
import { type Delivery, DELIVERY_MS_MAX, detailOf, isThisMachine, unsendable } from './delivery.ts'

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
}

export interface MailDriver {
  /** One attempt. BIL-09 when the server is away, refuses, or would accept the mail without our
   * login; OPS-27 when `to` is not one address: then nothing is sent. */
  send(mail: Mail, signal: AbortSignal): Promise<Delivery>
}

/** OPS-05 when a password would cross a network in the clear. */
export function openMail(options: MailOptions): MailDriver {
  const { host, port, tls, login } = options
  if (login !== null && tls === 'none' && !isThisMachine(host))
    throw new FaultError('OPS-05', 'TICKLOCK_SMTP_URL: a password needs smtps or smtp+starttls')
  const transport = createTransport({
    host,
    port,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    ...(options.ca === undefined || options.ca === null ? {} : { tls: { ca: options.ca } }),
    ...(login === null ? {} : { auth: { user: login.user, pass: login.password } }),
    // Without this nodemailer skips the login, silently, when a server does not offer it.
    forceAuth: login !== null,
    connectionTimeout: CONNECT_MS_MAX,
    greetingTimeout: CONNECT_MS_MAX,
    socketTimeout: SILENCE_MS_MAX,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const domain = options.from.split('@').pop() ?? 'localhost'
  return {
    async send({ to, key, letter }, signal) {
      const refused = unsendable('email', to)
      if (refused !== null) return refused
      const { toName, date, subject, text, html, attachment } = letter
      try {
        const sent = await transport.sendMail({
          from: { name: options.fromName, address: options.from },
          to: { name: toName, address: to },
          envelope: { from: options.from, to: [to] },
          messageId: `<${key}@${domain}>`,
          date: new Date(date),
          subject,
          text,
          html,
          headers: { 'Auto-Submitted': 'auto-generated' },
          attachments: [
            {
              filename: attachment.name,
              content: Buffer.from(attachment.content),
              contentType: attachment.type,
            },
          ],
          signal: AbortSignal.any([signal, AbortSignal.timeout(DELIVERY_MS_MAX)]),
        })
        return { ok: true, providerId: detailOf(sent.messageId) }
      } catch (error) {
        return failed(error)
      }
    },
  }
}

/** A recipient refused with 5xx is final (RFC 5321 section 4.2.1); all else may pass. */
function failed(error: unknown): Delivery {
  const field = (name: string): unknown =>
    typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined
  const code = field('responseCode')
  const final = field('command') === 'RCPT TO' && typeof code === 'number' && code >= 500
  return { ok: false, fault: 'BIL-09', detail: detailOf(errorText(error)), final }
}
