// Parts of the settings' pages.

import type { ComponentChildren } from 'preact'
import { FAULTS } from '../../../../shared/faults.ts'
import { capital } from '../../kit/parts.tsx'

/** A field that the environment sets: shown, not offered. */
export const FixedField = (props: {
  readonly label: string
  readonly value: ComponentChildren
  /** The variable's name. */
  readonly by: string
}) => (
  <div class="field">
    <span class="strong">{props.label}</span>
    <span>{props.value === '' ? <span class="soft">nothing</span> : props.value}</span>
    <span class="hint">
      Set by <code>{props.by}</code>, which stands above this page.
    </span>
  </div>
)

export const Done = ({ children }: { readonly children: ComponentChildren }) => (
  <p class="notice notice-good" role="status">
    {children}
  </p>
)

/** Nothing is lost, but nothing leaves either. */
export const NoAddress = () => (
  <p class="notice notice-warn">
    Mail and SMS wait, for the links in them need a public address:{' '}
    <a href="/settings#f-publicUrl">say where customers reach these pages</a>. A test works all the
    same.
  </p>
)

/** A fault with its remedy, where it is not beside a field. */
export const FaultNotice = (props: {
  readonly code: keyof typeof FAULTS
  readonly children?: ComponentChildren
}) => {
  const { is, then } = FAULTS[props.code]
  return (
    <div class="notice notice-bad" role="alert">
      <p class="strong">{`${props.code} ${capital(is)}`}</p>
      {props.children}
      <p>Remedy: {then}.</p>
    </div>
  )
}
