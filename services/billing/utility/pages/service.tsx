// The pages of the mail server and of the SMS gateway: what is set, a form, and a test of what
// stands in the form before it is saved.

import type { PageContext } from '../../kit/context.ts'
import { Form, TextField } from '../../kit/fields.tsx'
import type { FormState } from '../../kit/form.ts'
import { FormToken, Layout } from '../../kit/layout.tsx'
import { Headline, Section } from '../../kit/parts.tsx'
import type { Fixed } from '../core/environment.ts'
import type { TestResult } from '../core/trial.ts'
import { Done, FaultNotice, FixedField, NoAddress } from './parts.tsx'
import type { ServiceWords } from './service-words.tsx'

/** How a test ended, for whom it was. */
export interface ShownTest {
  readonly to: string
  readonly result: TestResult | 'too many'
}

/** Where the secret stands: none; one that is kept; one that was typed for the test just now. */
export type SecretState = 'none' | 'kept' | 'typed'

export interface ServicePageProps {
  readonly context: PageContext
  readonly words: ServiceWords
  readonly form: FormState
  /** Of the stored row; 0: there is none. */
  readonly version: number
  readonly secret: SecretState
  /** The environment's values, and its variable; null: the page decides. */
  readonly fixed: Fixed<Readonly<Record<string, string>>> | null
  readonly fixedFrom: Fixed<string> | null
  readonly test: ShownTest | null
  readonly saved: boolean
  /** Whether links have an address to begin with. */
  readonly hasAddress: boolean
}

export function ServicePage(props: ServicePageProps) {
  const { context, words, saved, test, fixed, hasAddress, version } = props
  return (
    <Layout context={context} title={words.title} width="reading">
      <Headline title={words.title} lead={words.lead}>
        <a href="/start">Checklist</a>
      </Headline>
      {saved && <Done>Saved. It holds from the next {words.title} on, without a restart.</Done>}
      {test !== null && <TestNotice words={words} test={test} isFixed={fixed !== null} />}
      {!hasAddress && (version > 0 || fixed !== null) && <NoAddress />}
      <section class="card">
        {fixed === null ? <OwnForm {...props} /> : <FixedForm {...props} fixed={fixed} />}
      </section>
      {version > 0 && fixed === null && (
        <Section title={`Without ${words.title}`} lead="Notices of this kind then wait.">
          <form method="post" action={`${words.path}/forget`}>
            <FormToken context={context} />
            <button class="button-quiet" type="submit">
              Forget these settings
            </button>
          </form>
        </Section>
      )}
    </Layout>
  )
}

function TestNotice(props: {
  readonly words: ServiceWords
  readonly test: ShownTest
  readonly isFixed: boolean
}) {
  const { words, isFixed } = props
  const { to, result } = props.test
  if (result === 'too many') return <FaultNotice code="OPS-23" />
  if (!result.ok) {
    return (
      <FaultNotice code={result.fault}>
        <p>{result.why}</p>
        {result.said !== '' && (
          <p>
            Its answer: <q>{result.said}</q>
          </p>
        )}
      </FaultNotice>
    )
  }
  return (
    <div class="notice notice-good" role="status">
      <p class="strong">
        The {words.message} for {to} was accepted.
      </p>
      <p>
        The {words.peer} said: <q>{result.said}</q>
      </p>
      {!isFixed && <p>Nothing is saved yet: look whether it arrives, then save.</p>}
    </div>
  )
}

function OwnForm(props: ServicePageProps) {
  const { context, words, form, version, secret, fixedFrom } = props
  const help = {
    none: undefined,
    kept: 'Kept; type a new one to change it. Another server or user needs it typed again.',
    typed: 'Typed for the test, and remembered for a quarter of an hour: save, or type it again.',
  }[secret]
  return (
    <Form
      context={context}
      form={form}
      action={words.path}
      labels={words.labels}
      version={version}
      submit="Save"
      more={<TestPart {...props} />}
    >
      {words.fields(form)}
      <TextField
        form={form}
        name="secret"
        label={words.labels['secret'] ?? ''}
        type="password"
        autocomplete="new-password"
        {...(help === undefined ? {} : { help, placeholder: '••••••••' })}
      />
      {fixedFrom === null ? (
        words.from(form)
      ) : (
        <FixedField label={words.labels['from'] ?? ''} value={fixedFrom.value} by={fixedFrom.by} />
      )}
    </Form>
  )
}

/** What is typed above goes along: the test needs no saving. */
const TestPart = ({ words, form, fixed }: ServicePageProps) => (
  <div class="apart">
    <h2>Try it{fixed === null && ' before saving'}</h2>
    <p class="soft">
      Sends one {words.message} by what stands above, and shows what the {words.peer} answers.
      Nothing is saved.
    </p>
    <TextField
      form={form}
      name="to"
      label={words.to.label}
      type={words.to.type}
      placeholder={words.to.placeholder}
      required
    />
    <div class="actions">
      <button class="button-quiet" type="submit" formaction={`${words.path}/test`}>
        Send a {words.message}
      </button>
    </div>
  </div>
)

/** The environment decides: shown, and a test. */
function FixedForm(
  props: ServicePageProps & { readonly fixed: Fixed<Readonly<Record<string, string>>> },
) {
  const { context, words, fixed } = props
  const rows = Object.entries(words.labels).filter(([name]) => (fixed.value[name] ?? '') !== '')
  return (
    <form class="fields" method="post" action={`${words.path}/test`} noValidate>
      <FormToken context={context} />
      {rows.map(([name, label]) => (
        <FixedField key={name} label={label} value={fixed.value[name]} by={fixed.by} />
      ))}
      <TestPart {...props} />
    </form>
  )
}
