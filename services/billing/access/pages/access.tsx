// The log-in pages, and the page for everything that goes wrong.

import type { PageContext } from '../../kit/context.ts'
import { FormToken, Layout } from '../../kit/layout.tsx'
import type { Trouble } from '../../kit/trouble.ts'

interface FormPage {
  readonly context: PageContext
  /** What was wrong with the last attempt; null at first. */
  readonly refused: Trouble | null
}

const Refused = ({ refused }: { readonly refused: Trouble | null }) =>
  refused === null ? null : (
    <p class="notice notice-bad" role="alert">
      {refused.text}
      {refused.fault !== null && <span class="sub">{refused.fault}</span>}
    </p>
  )

export function LoginPage({ context, refused }: FormPage) {
  return (
    <Layout context={context} title="Log in" width="narrow">
      <section class="card">
        <h1>Operators</h1>
        <Refused refused={refused} />
        <form class="stack" method="post" action="/login">
          <FormToken context={context} />
          <label>
            Name
            <input name="name" autocomplete="username" required maxLength={64} />
          </label>
          <label>
            Password
            <input
              name="password"
              type="password"
              autocomplete="current-password"
              required
              maxLength={128}
            />
          </label>
          <button type="submit">Log in</button>
        </form>
      </section>
      <p class="soft">
        Are you a customer? Open the link in your last bill notice: it leads to your own pages and
        needs no password.
      </p>
    </Layout>
  )
}

export function SetupPage({
  context,
  refused,
  token,
  passwordMin,
}: FormPage & { readonly token: string; readonly passwordMin: number }) {
  return (
    <Layout context={context} title="First operator" width="narrow">
      <section class="card">
        <h1>Create the first operator</h1>
        <p class="lead">
          This link works once. Choose a name and a password; everything else is done later by
          whoever logs in with them.
        </p>
        <Refused refused={refused} />
        <form class="stack" method="post" action={`/setup/${token}`}>
          <FormToken context={context} />
          <label>
            Name
            <input name="name" autocomplete="username" required maxLength={64} />
          </label>
          <label>
            Password
            <span class="hint">At least {passwordMin} characters; a sentence is best.</span>
            <input
              name="password"
              type="password"
              autocomplete="new-password"
              required
              minLength={passwordMin}
              maxLength={128}
            />
          </label>
          <button type="submit">Make operator</button>
        </form>
      </section>
    </Layout>
  )
}

/** What a customer's link shows: nothing personal, so that a mail scanner that follows it learns
 * nothing and opens nothing. */
export function LinkPage({
  context,
  token,
}: {
  readonly context: PageContext
  readonly token: string
}) {
  return (
    <Layout context={context} title="Your electricity bill" width="narrow">
      <section class="card">
        <h1>Your electricity bill</h1>
        <p>
          This link is yours alone. It opens your bills, and every meter reading they rest on, on
          this device.
        </p>
        <form class="stack" method="post" action={`/c/${token}`}>
          <FormToken context={context} />
          <button type="submit">Show my bills</button>
        </form>
      </section>
      <p class="soft">Do not pass the link on. On a shared device, log out when you are done.</p>
    </Layout>
  )
}
