// Forms: a frame with its token, version and error summary, and fields with label, help and error
// beside them. What was typed is kept; a screen reader hears the help and the error with the field.

import type { ComponentChildren } from 'preact'
import { FAULTS } from '../../../shared/faults.ts'
import { utcSecondText } from './format.ts'
import { type FormState, hasErrors, type Stale } from './form.ts'
import type { PageContext } from './context.ts'
import { FormToken } from './layout.tsx'
import { capital } from './parts.tsx'

interface FormProps {
  readonly context: PageContext
  readonly form: FormState
  readonly action: string
  /** Field names in the order of the form, with the words of their labels. */
  readonly labels: Readonly<Record<string, string>>
  /** Of the row that is edited. */
  readonly version?: number
  /** What the button says: a verb. Several: each posts its value as `do`; Enter means the first. */
  readonly submit: string | readonly (readonly [value: string, text: string])[]
  /** Where to go without saving. */
  readonly cancel?: string
  /** It carries a file. */
  readonly upload?: boolean
  /** Behind the button that submits: other fields with a button of their own, such as a test. */
  readonly more?: ComponentChildren
  readonly children: ComponentChildren
}

export function Form(props: FormProps) {
  const { context, form, action, labels, version, submit, cancel, upload = false } = props
  return (
    <form
      class="fields"
      method="post"
      action={action}
      enctype={upload ? 'multipart/form-data' : undefined}
      noValidate
    >
      <FormToken context={context} />
      {version !== undefined && <input type="hidden" name="version" value={version} />}
      <ErrorSummary form={form} labels={labels} />
      {form.stale && <StaleNotice stale={form.stale} />}
      {props.children}
      <div class="actions form-actions">
        <Buttons submit={submit} />
        {cancel !== undefined && (
          <a class="button button-quiet" href={cancel}>
            Cancel
          </a>
        )}
      </div>
      {props.more}
    </form>
  )
}

function Buttons({ submit }: Pick<FormProps, 'submit'>) {
  if (typeof submit === 'string') return <button type="submit">{submit}</button>
  return (
    <>
      {submit.map(([value, text], index) => (
        <button
          key={value}
          type="submit"
          name="do"
          value={value}
          class={index === 0 ? undefined : 'button-quiet'}
        >
          {text}
        </button>
      ))}
    </>
  )
}

/** What is wrong, with a link to each field. */
export function ErrorSummary({
  form,
  labels,
}: {
  readonly form: FormState
  readonly labels: Readonly<Record<string, string>>
}) {
  if (!hasErrors(form.errors)) return null
  const known = Object.keys(labels).filter((name) => form.errors[name] !== undefined)
  const others = Object.keys(form.errors).filter((name) => labels[name] === undefined)
  return (
    <div class="notice notice-bad" role="alert" tabIndex={-1}>
      <p class="strong">Nothing was saved yet.</p>
      <ul class="errors">
        {known.map((name) => (
          <li key={name}>
            <a href={`#${idOf(form, name)}`}>{labels[name]}</a>: {form.errors[name]}
          </li>
        ))}
        {others.map((name) => (
          <li key={name}>{form.errors[name]}</li>
        ))}
      </ul>
    </div>
  )
}

/** OPS-34: what the other one saved, beside what was typed here. */
function StaleNotice({ stale }: { readonly stale: Stale }) {
  const { is, then } = FAULTS['OPS-34']
  return (
    <div class="notice notice-warn" role="alert">
      <p class="strong">
        OPS-34 {capital(is)}
        {stale.who !== null && `: ${stale.who}`}
        {stale.at !== null && `, ${utcSecondText(stale.at)}`}
      </p>
      <p>Nothing of yours was saved yet. Remedy: {then}.</p>
      {stale.fields.length === 0 ? (
        <p>What is stored now is what you typed.</p>
      ) : (
        <ul class="errors">
          {stale.fields.map(({ label, typed, stored }) => (
            <li key={label}>
              {label}: stored now <Said text={stored} />, typed by you <Said text={typed} />
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

const Said = ({ text }: { readonly text: string }) => (text === '' ? <>nothing</> : <q>{text}</q>)

export interface FieldProps {
  readonly form: FormState
  readonly name: string
  readonly label: string
  readonly help?: ComponentChildren
  readonly required?: boolean
}

const idOf = (form: FormState, name: string): string => `${form.prefix ?? 'f'}-${name}`

/** What ties a control to its label, help and error. */
function controlOf({ form, name, help, required = false }: FieldProps) {
  const id = idOf(form, name)
  const isWrong = form.errors[name] !== undefined
  const told = [help === undefined ? '' : `${id}-help`, isWrong ? `${id}-error` : '']
  const described = told.filter((part) => part !== '').join(' ')
  return {
    id,
    name,
    required,
    'aria-describedby': described === '' ? undefined : described,
    'aria-invalid': isWrong ? ('true' as const) : undefined,
  }
}

const valueOf = ({ form, name }: FieldProps): string => form.values[name] ?? ''

function Field(props: FieldProps & { readonly children: ComponentChildren }) {
  const { form, name, label, required = false } = props
  const id = idOf(form, name)
  return (
    <div class={form.errors[name] === undefined ? 'field' : 'field field-wrong'}>
      <label for={id}>
        {label}
        {!required && <span class="hint"> (optional)</span>}
      </label>
      <Told {...props} />
      {props.children}
    </div>
  )
}

function Told({ form, name, help }: FieldProps) {
  const id = idOf(form, name)
  const error = form.errors[name]
  return (
    <>
      {help !== undefined && (
        <div class="hint" id={`${id}-help`}>
          {help}
        </div>
      )}
      {error !== undefined && (
        <p class="error" id={`${id}-error`}>
          {error}
        </p>
      )}
    </>
  )
}

/** The types spelt out, as the types of Preact want them. */
const INPUTS = {
  text: (rest: Rest) => <input {...rest} type="text" />,
  email: (rest: Rest) => <input {...rest} type="email" />,
  tel: (rest: Rest) => <input {...rest} type="tel" />,
  url: (rest: Rest) => <input {...rest} type="url" />,
  password: (rest: Rest) => <input {...rest} type="password" value="" />,
  'datetime-local': (rest: Rest) => <input {...rest} type="datetime-local" />,
  color: (rest: Rest) => <input {...rest} type="color" />,
} as const
interface Rest extends ReturnType<typeof controlOf> {
  readonly value: string
  readonly autocomplete: string
  readonly inputMode: TextProps['inputMode']
  readonly maxLength: number | undefined
  readonly placeholder: string | undefined
}

interface TextProps extends FieldProps {
  readonly type?: keyof typeof INPUTS
  readonly autocomplete?: string
  readonly inputMode?: 'text' | 'numeric' | 'decimal' | 'email' | 'tel'
  readonly maxLength?: number
  readonly placeholder?: string
  /** Behind the field: a unit. */
  readonly unit?: string
}

export function TextField(props: TextProps) {
  const { type = 'text', autocomplete = 'off', inputMode, maxLength, placeholder, unit } = props
  const control = { ...controlOf(props), value: valueOf(props) }
  const input = INPUTS[type]({ ...control, autocomplete, inputMode, maxLength, placeholder })
  if (unit === undefined) return <Field {...props}>{input}</Field>
  return (
    <Field {...props}>
      <div class="with-unit">
        {input}
        <span class="soft">{unit}</span>
      </div>
    </Field>
  )
}

export const DateField = (props: FieldProps) => (
  <Field {...props}>
    <input {...controlOf(props)} class="short" type="date" value={valueOf(props)} />
  </Field>
)

export function TextArea(
  props: FieldProps & {
    readonly rows?: number
    readonly maxLength?: number
    /** A document: fixed width, no spelling. */
    readonly code?: boolean
  },
) {
  const { rows = 3, maxLength, code = false } = props
  return (
    <Field {...props}>
      <textarea
        {...controlOf(props)}
        rows={rows}
        maxLength={maxLength}
        class={code ? 'code' : undefined}
        spellcheck={!code}
        value={valueOf(props)}
      />
    </Field>
  )
}

/** Value and text of a choice; help under it where a radio needs some. */
export type Choice = readonly [value: string, text: string, help?: string]

export function SelectField(
  props: FieldProps & {
    readonly options: readonly Choice[]
    /** What stands for no choice; without it the first choice is taken. */
    readonly none?: string
  },
) {
  const { options, none } = props
  const value = valueOf(props)
  return (
    <Field {...props}>
      <select {...controlOf(props)}>
        {none !== undefined && <option value="">{none}</option>}
        {options.map(([option, text]) => (
          <option key={option} value={option} selected={option === value}>
            {text}
          </option>
        ))}
      </select>
    </Field>
  )
}

/** Posts `yes` when it is ticked. */
export const CheckField = (props: FieldProps) => (
  <div class={props.form.errors[props.name] === undefined ? 'field' : 'field field-wrong'}>
    <label class="check">
      <input {...controlOf(props)} type="checkbox" value="yes" checked={valueOf(props) === 'yes'} />
      {props.label}
    </label>
    <Told {...props} />
  </div>
)

interface GroupProps extends FieldProps {
  readonly options: readonly Choice[]
}

export const RadioField = (props: GroupProps) => (
  <Group {...props} type="radio" ticked={[valueOf(props)]} />
)

/** Boxes under one name; `fieldsOf` reads them. */
export const CheckGroup = (props: GroupProps & { readonly ticked: readonly string[] }) => (
  <Group {...props} type="checkbox" />
)

function Group(
  props: GroupProps & { readonly type: 'radio' | 'checkbox'; readonly ticked: readonly string[] },
) {
  const { label, options, type, ticked, form, name, required = false } = props
  const { id, 'aria-describedby': described } = controlOf(props)
  return (
    <fieldset
      class={form.errors[name] === undefined ? 'field' : 'field field-wrong'}
      aria-describedby={described}
    >
      <legend>
        {label}
        {!required && <span class="hint"> (optional)</span>}
      </legend>
      <Told {...props} />
      {options.map(([value, text, help], index) => (
        <label key={value} class="check">
          <input
            id={index === 0 ? id : undefined}
            type={type}
            name={name}
            value={value}
            checked={ticked.includes(value)}
          />
          <span>
            {text}
            {help !== undefined && <span class="sub">{help}</span>}
          </span>
        </label>
      ))}
    </fieldset>
  )
}

/** The last field of its form: what stands before it has arrived when the file begins. */
export const FileField = (props: FieldProps & { readonly accept?: string }) => (
  <Field {...props}>
    <input {...controlOf(props)} type="file" accept={props.accept} />
  </Field>
)
