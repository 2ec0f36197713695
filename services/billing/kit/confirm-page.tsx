// The step between a button that cannot be taken back and what it does.

import type { ComponentChildren } from 'preact'
import type { PageContext } from './context.ts'
import { EMPTY_FORM, type FormState } from './form.ts'
import { Form, TextField } from './fields.tsx'
import { Layout } from './layout.tsx'

export interface ConfirmProps {
  readonly context: PageContext
  /** The question. */
  readonly title: string
  /** What will be, and what will not. */
  readonly text: ComponentChildren
  readonly action: string
  /** What the next step needs to know; posted with `sure=yes`. A list is posted field by field. */
  readonly fields?: Readonly<Record<string, string | readonly string[]>>
  /** What the button says: a verb and its object. */
  readonly yes: string
  readonly back: string
  /** Asks for the reason, field `why`. */
  readonly why?: boolean
  readonly form?: FormState
  /** Further fields. */
  readonly children?: ComponentChildren
}

export function ConfirmPage(props: ConfirmProps) {
  const { context, title, text, action, fields = {}, yes, back, why = false } = props
  const form = props.form ?? EMPTY_FORM
  const hidden = Object.entries({ sure: 'yes', ...fields }).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : value).map((each) => [name, each] as const),
  )
  return (
    <Layout context={context} title={title} width="narrow">
      <section class="card">
        <h1>{title}</h1>
        <div>{text}</div>
        <Form
          context={context}
          form={form}
          action={action}
          labels={{ why: 'Why' }}
          submit={yes}
          cancel={back}
        >
          {hidden.map(([name, value], index) => (
            <input key={index} type="hidden" name={name} value={value} />
          ))}
          {props.children}
          {why && (
            <TextField
              form={form}
              name="why"
              label="Why"
              help="It stands in the record of changes."
              required
              maxLength={200}
            />
          )}
        </Form>
      </section>
    </Layout>
  )
}
