// The pages as a test sees them: requests, cookies, forms.

import type { FastifyInstance, LightMyRequestResponse } from 'fastify'

/** A browser without scripts: keeps cookies, follows nothing, finds the form token in the page. */
export class Browser {
  readonly cookies = new Map<string, string>()
  readonly #app: FastifyInstance

  constructor(app: FastifyInstance) {
    this.#app = app
  }

  async get(url: string): Promise<LightMyRequestResponse> {
    return this.#keep(await this.#app.inject({ method: 'GET', url, headers: this.#headers() }))
  }

  /** Posts the form of the page at `from` (the same address when left out). */
  async post(url: string, fields: Record<string, string>, from = url) {
    const shown = await this.get(from)
    const token = /name="form_token" value="([^"]+)"/.exec(shown.body)?.[1] ?? ''
    return this.send(url, { form_token: token, ...fields })
  }

  async send(url: string, fields: Record<string, string>, headers: Record<string, string> = {}) {
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    return this.#keep(
      await this.#app.inject({
        method: 'POST',
        url,
        headers: { ...this.#headers(), ...type, ...headers },
        payload: new URLSearchParams(fields).toString(),
      }),
    )
  }

  #headers(): Record<string, string> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    return { accept: 'text/html', ...(cookie === '' ? {} : { cookie }) }
  }

  #keep(response: LightMyRequestResponse): LightMyRequestResponse {
    for (const { name, value } of response.cookies) {
      if (value === '') this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    return response
  }
}
