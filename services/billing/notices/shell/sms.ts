// SMS gateways over HTTP. A new gateway is one more function here that turns a text into a request
// and reads the answer; time-outs, redirects and the size of an answer are handled once, below.

import { errorText, FaultError } from '../../../../shared/node/fault-error.ts'
import { type Culprit, gatewayCulprit, gatewayRefusal, kannelRefusal } from '../core/refusals.ts'
import { smsLength } from '../core/sms-length.ts'
import { type Delivery, DELIVERY_MS_MAX, detailOf, unsendable } from './delivery.ts'
import { isThisMachine } from '../../utility/core/services.ts'

export interface TextMessage {
  /** As written for the customer: `+919900000001`. */
  readonly to: string
  readonly text: string
  /** Same for every attempt of this notice. */
  readonly key: string
}

export interface SmsDriver {
  /** One attempt. BIL-10 when the gateway is away or refuses; OPS-27 when `to` is not one number:
   * then nothing is sent. */
  send(message: TextMessage, signal: AbortSignal): Promise<Delivery>
}

/** Largest answer we read from a gateway, bytes: theirs are a few hundred. */
const ANSWER_BYTES_MAX = 65_536
const SUCCESS_MIN = 200
const SUCCESS_MAX = 299

/** OPS-05 when a name or a password would cross a network in the clear. */
function refuseClear(base: string, ...secrets: readonly string[]): void {
  const { protocol, hostname } = new URL(base)
  const clear = protocol !== 'https:' && !isThisMachine(hostname)
  if (clear && secrets.some((secret) => secret !== '')) {
    throw new FaultError('OPS-05', 'SMS gateway: a login at another machine needs https')
  }
}

/** Shorter ones are not struck out: every word holds them. */
const STRUCK_CHARS_MIN = 4

/** What a gateway says, without our secrets: some repeat the whole request in their answer, which
 * pages and the log show. */
function withoutSecrets(answer: string, secrets: readonly string[]): string {
  const written = secrets
    .filter((secret) => secret.length >= STRUCK_CHARS_MIN)
    .flatMap((secret) => {
      const inUrl = new URLSearchParams({ '': secret }).toString().slice(1)
      const inHtml = secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
      return [secret, inUrl, encodeURIComponent(secret), encodeURI(secret), inHtml]
    })
  return written.reduce((text, secret) => text.replaceAll(secret, '[secret]'), answer)
}

interface Gateway {
  /** What its answer must not show. */
  readonly secrets: readonly string[]
  request(message: TextMessage): { readonly url: string; readonly init: RequestInit }
  /** The gateway's id of an accepted message. */
  idOf(answer: string): string
  /** Null: an answer of 2xx says that it was accepted. */
  refusal(answer: string): Culprit | null
  /** Whose fault a refusal is. */
  culprit(status: number, answer: string): Culprit
}

/** Form POST in Twilio's format, which many gateways offer: basic authentication with the account,
 * fields To, From, Body, 201 with JSON that has `sid`. `base` is `https://api.twilio.com` or
 * another. The key is sent as Idempotency-Key for gateways that honour it. Source: Twilio
 * Programmable Messaging, "Create a Message resource". */
export function twilioSms(options: {
  readonly base: string
  readonly account: string
  readonly token: string
  readonly from: string
}): SmsDriver {
  const { base, account, token, from } = options
  refuseClear(base, account, token)
  const url = new URL(`/2010-04-01/Accounts/${encodeURIComponent(account)}/Messages.json`, base)
  const login = Buffer.from(`${account}:${token}`).toString('base64')
  const authorization = `Basic ${login}`
  return driver({
    secrets: [token, login],
    request: ({ to, text, key }) => ({
      url: url.href,
      init: {
        method: 'POST',
        headers: { authorization, 'idempotency-key': key },
        body: new URLSearchParams({ To: to, From: from, Body: text }),
      },
    }),
    idOf: (answer) => /"sid"\s*:\s*"([^"]{1,64})"/.exec(answer)?.[1] ?? '',
    refusal: gatewayRefusal,
    culprit: gatewayCulprit,
  })
}

/** Kannel's sendsms: GET with username, password, to, from, text, 202 and `0: Accepted for
 * delivery`. It asks for coding 2 (UCS-2) when a letter is outside the GSM alphabet. Source: Kannel
 * user guide, "Using the HTTP interface to send SMS messages". */
export function kannelSms(options: {
  readonly base: string
  readonly user: string
  readonly password: string
  readonly from: string
}): SmsDriver {
  const { base, user, password, from } = options
  refuseClear(base, user, password)
  return driver({
    secrets: [password],
    request: ({ to, text }) => {
      const url = new URL('/cgi-bin/sendsms', base)
      const wide = smsLength(text).alphabet === 'ucs2'
      url.search = new URLSearchParams({
        username: user,
        password,
        to,
        from,
        text,
        charset: 'UTF-8',
        ...(wide ? { coding: '2' } : {}),
      }).toString()
      return { url: url.href, init: { method: 'GET' } }
    },
    idOf: (answer) => detailOf(answer),
    refusal: kannelRefusal,
    // Kannel's own words name no number: a refusal is never the customer's.
    culprit: (status) => gatewayCulprit(status, ''),
  })
}

function driver(gateway: Gateway): SmsDriver {
  return {
    async send(message, signal) {
      const refused = unsendable('sms', message.to)
      if (refused !== null) return refused
      const { url, init } = gateway.request(message)
      try {
        const response = await fetch(url, {
          ...init,
          // A redirect would carry our credentials to somebody else.
          redirect: 'error',
          signal: AbortSignal.any([signal, AbortSignal.timeout(DELIVERY_MS_MAX)]),
        })
        const answer = await bounded(response)
        const { status } = response
        const accepted = status >= SUCCESS_MIN && status <= SUCCESS_MAX
        const refusal = accepted ? gateway.refusal(answer) : gateway.culprit(status, answer)
        const shown = withoutSecrets(answer, gateway.secrets)
        const detail = detailOf(`status ${status} ${shown}`)
        if (refusal === null) return { ok: true, providerId: gateway.idOf(shown), said: detail }
        return { ok: false, fault: 'BIL-10', culprit: refusal, detail }
      } catch (error) {
        return { ok: false, fault: 'BIL-10', culprit: 'away', detail: reason(error) }
      }
    },
  }
}

/** fetch says "fetch failed" and keeps the reason in the cause. Never the address: it may hold a
 * password. */
function reason(error: unknown): string {
  const cause: unknown = error instanceof Error ? error.cause : undefined
  return detailOf(cause instanceof Error ? cause.message : errorText(error))
}

async function bounded(response: Response): Promise<string> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of response.body ?? []) {
    length += part.length
    if (length > ANSWER_BYTES_MAX) throw new Error('the answer is longer than any gateway needs')
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}
