// The demo's customers: a real SMTP server and a real SMS gateway on this machine that keep the
// last few messages in memory, for a page to show. Nothing leaves the machine.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Server } from 'node:net'
import PostalMime from 'postal-mime'
import { randomUUID } from 'node:crypto'
import { SMTPServer } from 'smtp-server'
import { assert } from '../../shared/assert.ts'
import { type UnixMs, unixMs } from '../../shared/units.ts'

/** Messages kept of each kind; older ones are forgotten. */
const KEPT_MAX = 50
/** Largest mail, bytes: a bill is 30 kB. */
const MAIL_BYTES_MAX = 1_000_000
/** Largest form, bytes: ten parts of an SMS, every letter escaped, and the fields around it. */
const FORM_BYTES_MAX = 32_768
/** Connections at once; the demo's worker opens four. */
const CLIENTS_MAX = 20
/** Silence after which a connection is dropped, milliseconds. */
const SILENCE_MS_MAX = 30_000

export interface InboxMail {
  readonly id: string
  readonly at: UnixMs
  readonly messageId: string
  readonly from: string
  readonly to: readonly string[]
  readonly subject: string
  readonly text: string
  readonly html: string
  readonly attachments: readonly InboxAttachment[]
}
export interface InboxAttachment {
  readonly name: string
  readonly type: string
  readonly content: Uint8Array
}
export interface InboxText {
  readonly id: string
  readonly at: UnixMs
  readonly to: string
  readonly from: string
  readonly text: string
}

export interface Inbox {
  readonly smtpPort: number
  /** `http://127.0.0.1:port`, for a driver that speaks Twilio's API. */
  readonly smsBase: string
  /** Newest first. */
  list(): { readonly mails: readonly InboxMail[]; readonly texts: readonly InboxText[] }
  /** Both kinds as one list for a page, newest first. */
  messages(): readonly InboxMessage[]
  close(): Promise<void>
}

export interface InboxMessage {
  readonly id: string
  readonly channel: 'email' | 'sms'
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly at: UnixMs
}

function messagesOf(mails: readonly InboxMail[], texts: readonly InboxText[]): InboxMessage[] {
  const letters = mails.map(({ id, to, subject, text, at }) => ({
    id,
    subject,
    text,
    at,
    channel: 'email' as const,
    to: to.join(', '),
  }))
  const shorts = texts.map(({ id, to, text, at }) => ({
    id,
    to,
    text,
    at,
    channel: 'sms' as const,
    subject: '',
  }))
  return [...letters, ...shorts].sort((a, b) => b.at - a.at)
}

export interface InboxOptions {
  readonly now: () => number
  readonly smtpPort?: number
  readonly smsPort?: number
}

export async function startInbox({ now, smtpPort = 0, smsPort = 0 }: InboxOptions): Promise<Inbox> {
  const mails: InboxMail[] = []
  const texts: InboxText[] = []
  const smtp = new SMTPServer({
    size: MAIL_BYTES_MAX,
    maxClients: CLIENTS_MAX,
    socketTimeout: SILENCE_MS_MAX,
    closeTimeout: 1_000,
    authOptional: true,
    disableReverseLookup: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    logger: false,
    onData(stream, session, done) {
      const to = session.envelope.rcptTo.map(({ address }) => address)
      receive(stream, MAIL_BYTES_MAX)
        .then(async (raw) => {
          if (raw === null) throw new Error('message too large')
          keep(mails, await mailOf(raw, to, unixMs(now())))
          done()
        })
        .catch((error: unknown) => done(error instanceof Error ? error : new Error('refused')))
    },
  })
  // A client that disconnects early is no fault of the demo.
  smtp.on('error', () => {})
  const sms = createServer({ requestTimeout: SILENCE_MS_MAX }, (request, response) => {
    void takeText(request, response, (text) =>
      keep(texts, { ...text, id: randomUUID(), at: unixMs(now()) }),
    )
  })
  sms.maxConnections = CLIENTS_MAX
  await listening(smtp.server, smtpPort)
  await listening(sms, smsPort)
  return {
    smtpPort: portOf(smtp.server),
    smsBase: `http://127.0.0.1:${portOf(sms)}`,
    list: () => ({ mails: mails.toReversed(), texts: texts.toReversed() }),
    messages: () => messagesOf(mails.toReversed(), texts.toReversed()),
    async close() {
      sms.closeAllConnections()
      await Promise.all([
        new Promise<void>((done) => smtp.close(done)),
        new Promise<void>((done) => sms.close(() => done())),
      ])
    },
  }
}

function keep<T>(kept: T[], message: T): void {
  kept.push(message)
  if (kept.length > KEPT_MAX) kept.shift()
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function portOf(server: Server): number {
  const address = server.address()
  assert(address !== null && typeof address === 'object', 'a listening TCP server has a port')
  return address.port
}

/** All bytes, or null (keeping nothing) when there are more than `max`. Always reads to the end, so
 * that the sender receives the answer. */
async function receive(stream: AsyncIterable<Uint8Array>, max: number): Promise<Buffer | null> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of stream) {
    length += part.length
    if (length <= max) parts.push(part)
    else parts.length = 0
  }
  return length > max ? null : Buffer.concat(parts)
}

async function mailOf(raw: Buffer, to: readonly string[], at: UnixMs): Promise<InboxMail> {
  const mail = await PostalMime.parse(raw, { attachmentEncoding: 'arraybuffer' })
  return {
    id: randomUUID(),
    at,
    messageId: mail.messageId ?? '',
    from: mail.from?.address ?? '',
    to,
    subject: mail.subject ?? '',
    text: mail.text ?? '',
    html: mail.html ?? '',
    attachments: mail.attachments.map(({ filename, mimeType, content }) => ({
      name: filename ?? '',
      type: mimeType,
      content: typeof content === 'string' ? Buffer.from(content) : new Uint8Array(content),
    })),
  }
}

const MESSAGES = /^\/2010-04-01\/Accounts\/[^/]+\/Messages\.json$/

/** Answers as Twilio's gateway does: 201 with a sid, 400 when a field is missing. */
async function takeText(
  request: IncomingMessage,
  response: ServerResponse,
  take: (text: { to: string; from: string; text: string }) => void,
): Promise<void> {
  const answer = (status: number, content: object): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(content))
  }
  try {
    const path = (request.url ?? '').split('?')[0] ?? ''
    const form = await receive(request, FORM_BYTES_MAX)
    if (!MESSAGES.test(path)) return answer(404, { message: 'no such resource' })
    if (request.method !== 'POST') return answer(405, { message: 'POST only' })
    if (form === null) return answer(413, { message: 'form too large' })
    const fields = new URLSearchParams(form.toString('utf8'))
    const [to, from, text] = ['To', 'From', 'Body'].map((name) => fields.get(name) ?? '')
    if (!to || !from || !text) return answer(400, { code: 21211, message: 'To, From, Body' })
    take({ to, from, text })
    answer(201, { sid: `SM${randomUUID().replaceAll('-', '')}`, status: 'queued' })
  } catch {
    // The sender disconnected in the middle of the form.
    response.destroy()
  }
}
