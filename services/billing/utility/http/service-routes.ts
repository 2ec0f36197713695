// The mail server and the SMS gateway: saved, tested as typed, forgotten.
//
// Where a secret comes from, the first that there is: typed now; typed for a test a moment ago
// (access/shell/kept-secrets.ts); kept in the database. Each but the first only for the same peer.

import type { FastifyInstance } from 'fastify'
import { FAULTS } from '../../../../shared/faults.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import { ConfirmPage } from '../../kit/confirm-page.tsx'
import { type Door, field, type Outcome, query, type Visit } from '../../kit/door.ts'
import { type FormState, hasErrors, readForm, staleOf, versionOf } from '../../kit/form.ts'
import { capital } from '../../kit/parts.tsx'
import { troubleOf } from '../../kit/trouble.ts'
import { effectiveProfile } from '../core/environment.ts'
import { secretProblem } from '../core/services.ts'
import { admitTest } from '../core/trial.ts'
import type { StoredService } from '../db/services.ts'
import { ServicePage, type SecretState, type ShownTest } from '../pages/service.tsx'
import { type Channel, mailChannel, smsChannel } from './channels.ts'
import { authorOf, type UtilityDeps } from './deps.ts'

/** What both pages share: tests are counted together. */
interface Counter {
  began: readonly UnixMs[]
  running: boolean
}

export function serviceRoutes(app: FastifyInstance, deps: UtilityDeps, page: Door): void {
  const counter: Counter = { began: [], running: false }
  const mail = new ServicePages(deps, mailChannel(deps), counter)
  app.get(
    '/settings/mail',
    page((visit) => mail.show(visit)),
  )
  app.post(
    '/settings/mail',
    page((visit) => mail.save(visit)),
  )
  app.post(
    '/settings/mail/test',
    page((visit) => mail.test(visit)),
  )
  app.post(
    '/settings/mail/forget',
    page((visit) => mail.forget(visit)),
  )
  const sms = new ServicePages(deps, smsChannel(deps), counter)
  app.get(
    '/settings/sms',
    page((visit) => sms.show(visit)),
  )
  app.post(
    '/settings/sms',
    page((visit) => sms.save(visit)),
  )
  app.post(
    '/settings/sms/test',
    page((visit) => sms.test(visit)),
  )
  app.post(
    '/settings/sms/forget',
    page((visit) => sms.forget(visit)),
  )
}

type Typed<Service> =
  | { readonly ok: false; readonly form: FormState }
  | {
      readonly ok: true
      readonly form: FormState
      readonly service: Service
      /** For the caller to overwrite; null: it wants none, or is kept. */
      readonly secret: Uint8Array | null
      readonly from: 'typed' | 'test' | 'kept' | 'none'
    }

class ServicePages<Service extends { readonly from: string }> {
  readonly #deps: UtilityDeps
  readonly #channel: Channel<Service>
  readonly #counter: Counter

  constructor(deps: UtilityDeps, channel: Channel<Service>, counter: Counter) {
    this.#deps = deps
    this.#channel = channel
    this.#counter = counter
  }

  async show(visit: Visit): Promise<Outcome> {
    return { page: await this.#page(visit, await this.#channel.store.read(), {}) }
  }

  async save(visit: Visit): Promise<Outcome> {
    const { store, fixed, words, valuesOf } = this.#channel
    if (fixed !== null) return { trouble: fixedTrouble(fixed.by) }
    const stored = await store.read()
    const typed = this.#read(visit, stored)
    if (!typed.ok) {
      return { status: 422, page: await this.#page(visit, stored, { form: typed.form }) }
    }
    const secret = this.#toStore(typed)
    const entry = { service: typed.service, secret, version: versionOf(visit.request) ?? 0 }
    const saved = await store.save(entry, authorOf(visit, words.title))
    if (saved.is === 'saved') {
      this.#deps.kept.forget(visit.viewer.id, this.#about(typed.service))
      return { to: `${words.path}?saved=yes` }
    }
    const [now, last] = await Promise.all([
      store.read(),
      this.#deps.utility.lastChange(this.#channel.what),
    ])
    const stale = staleOf({
      who: last?.who ?? null,
      at: last?.at ?? null,
      labels: words.labels,
      typed: valuesOf(typed.service),
      stored: now === null ? {} : valuesOf(now.service),
    })
    return { status: 409, page: await this.#page(visit, now, { form: { ...typed.form, stale } }) }
  }

  async test(visit: Visit): Promise<Outcome> {
    const { fixed, addressOf, addressProblem } = this.#channel
    const stored = await this.#channel.store.read()
    const to = addressOf(field(visit.request, 'to').trim())
    const problem = addressProblem(to)
    const wrong = problem === null ? {} : { to: `the address ${problem}` }
    if (fixed !== null) {
      const form = { values: { to }, errors: wrong }
      if (hasErrors(wrong)) return { status: 422, page: await this.#page(visit, stored, { form }) }
      const { service, secret } = fixed.value
      const copy = secret === null ? null : Uint8Array.from(secret.reveal())
      const test = await this.#attempt(visit, { service, secret: copy, to })
      return { page: await this.#page(visit, stored, { form, test }) }
    }
    const typed = this.#read(visit, stored)
    const form = { ...typed.form, errors: { ...typed.form.errors, ...wrong } }
    if (!typed.ok) return { status: 422, page: await this.#page(visit, stored, { form }) }
    const { service, secret } = typed
    const about = this.#about(service)
    if (secret !== null && typed.from === 'typed') {
      this.#deps.kept.keep(visit.viewer.id, about, Uint8Array.from(secret))
    }
    const state = this.#deps.kept.copy(visit.viewer.id, about)
    state?.fill(0)
    const known = state === null ? {} : { secret: 'typed' as const }
    if (hasErrors(wrong)) {
      secret?.fill(0)
      return { status: 422, page: await this.#page(visit, stored, { form, ...known }) }
    }
    const test = await this.#attempt(visit, { service, secret, to })
    return { page: await this.#page(visit, stored, { form, test, ...known }) }
  }

  async forget(visit: Visit): Promise<Outcome> {
    const { words, store } = this.#channel
    if (field(visit.request, 'sure') === 'yes') {
      await store.forget(authorOf(visit, words.title))
      return { to: words.path }
    }
    return {
      page: ConfirmPage({
        context: visit.context,
        title: `Forget the settings of ${words.title}?`,
        text: `The ${words.secret} is forgotten with them. Notices wait until it is set again.`,
        action: `${words.path}/forget`,
        yes: 'Forget them',
        back: words.path,
      }),
    }
  }

  /** What its secret is kept under between a test and saving. */
  #about(service: Service): string {
    return `${this.#channel.what} ${this.#channel.peerName(service)}`
  }

  /** The form, checked, with the secret that belongs to it. */
  #read(visit: Visit, stored: StoredService<Service> | null): Typed<Service> {
    const { names, check, fixedFrom, peerName } = this.#channel
    const values = readForm(visit.request, [...names, 'to'])
    if (fixedFrom !== null) values['from'] = fixedFrom.value
    // Not trimmed: a password may begin with a blank.
    const text = field(visit.request, 'secret')
    const verdict = check(values, text !== '')
    const tooLong = secretProblem(text)
    const errors = {
      ...(verdict.ok ? {} : verdict.errors),
      ...(tooLong === null ? {} : { secret: tooLong }),
    }
    const form = { values, errors }
    if (!verdict.ok || hasErrors(errors)) return { ok: false, form }
    const { service } = verdict
    const hasLogin = (values['login'] ?? '') !== ''
    const refuse = (secret: string): Typed<Service> => ({
      ok: false,
      form: { values, errors: { secret } },
    })
    if (!hasLogin) {
      if (text !== '') return refuse('there is no user or account it belongs to')
      return { ok: true, form, service, secret: null, from: 'none' }
    }
    if (text !== '') {
      const secret = new Uint8Array(Buffer.from(text))
      return { ok: true, form, service, secret, from: 'typed' }
    }
    const kept = this.#deps.kept.copy(visit.viewer.id, this.#about(service))
    if (kept !== null) return { ok: true, form, service, secret: kept, from: 'test' }
    if (stored === null || stored.secret === null) return refuse('this login needs one')
    if (peerName(stored.service) !== peerName(service)) {
      return refuse(`type it again: the kept one belongs to ${peerName(stored.service)}`)
    }
    const place = { is: 'service', service: this.#channel.what, peer: peerName(service) } as const
    const secret = this.#deps.secrets.unwrap(stored.secret, place)
    if (secret === null) return refuse(`OPS-24 ${FAULTS['OPS-24'].is}: type it again`)
    return { ok: true, form, service, secret, from: 'kept' }
  }

  /** Wraps what was typed, and overwrites it. */
  #toStore(typed: Extract<Typed<Service>, { ok: true }>) {
    const { secret, from, service } = typed
    if (secret === null) return { is: 'set', wrapped: null } as const
    const { what, peerName } = this.#channel
    const place = { is: 'service', service: what, peer: peerName(service) } as const
    const wrapped = from === 'kept' ? null : this.#deps.secrets.wrap(secret, place)
    secret.fill(0)
    return wrapped === null ? ({ is: 'kept' } as const) : ({ is: 'set', wrapped } as const)
  }

  /** One test, if not too many were made. The log says who tried which peer: a test can be used to
   * look around in a network. */
  async #attempt(
    visit: Visit,
    { service, secret, to }: { service: Service; secret: Uint8Array | null; to: string },
  ): Promise<ShownTest> {
    const { now, utility, utilityEnvironment, say } = this.#deps
    const admitted = admitTest(this.#counter.began, now())
    this.#counter.began = admitted.began
    if (!admitted.ok || this.#counter.running) {
      secret?.fill(0)
      return { to, result: 'too many' }
    }
    this.#counter.running = true
    try {
      const { profile } = await utility.stored()
      const { name, publicUrl } = effectiveProfile(profile, utilityEnvironment)
      const message = { to, utility: name, publicUrl, now: now() }
      const result = await this.#channel.attempt({ service, secret }, message)
      const { what, peerName } = this.#channel
      const fault = result.ok ? {} : { fault: result.fault }
      say(`test of ${what}`, { by: visit.viewer.name, peer: peerName(service), ...fault })
      return { to, result }
    } finally {
      secret?.fill(0)
      this.#counter.running = false
    }
  }

  async #page(
    { context, request }: Visit,
    stored: StoredService<Service> | null,
    shown: { readonly form?: FormState; readonly test?: ShownTest; readonly secret?: SecretState },
  ) {
    const { words, fixed, fixedFrom, valuesOf, first } = this.#channel
    const { utility, utilityEnvironment } = this.#deps
    const { profile } = await utility.stored()
    const values = stored === null ? first : valuesOf(stored.service)
    const kept = stored !== null && stored.secret !== null ? 'kept' : 'none'
    return ServicePage({
      context,
      words,
      form: shown.form ?? { values, errors: {} },
      version: stored?.version ?? 0,
      secret: shown.secret ?? kept,
      fixed: fixed === null ? null : { value: valuesOf(fixed.value.service), by: fixed.by },
      fixedFrom,
      test: shown.test ?? null,
      saved: query(request, 'saved') === 'yes',
      hasAddress: effectiveProfile(profile, utilityEnvironment).publicUrl !== null,
    })
  }
}

const fixedTrouble = (by: string) => {
  const { is, then } = FAULTS['OPS-37']
  return troubleOf(409, 'Nothing was saved', `${capital(is)}: ${by}. Remedy: ${then}.`, 'OPS-37')
}
