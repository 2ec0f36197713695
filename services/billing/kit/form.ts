// Reading a posted form, and what a form shows when it comes back: what was typed, what is wrong
// beside each field, and what somebody else changed meanwhile.

import type { FastifyRequest } from 'fastify'
import { assert } from '../../../shared/assert.ts'
import type { UnixMs } from '../../../shared/units.ts'
import { field } from './door.ts'

/** Field name to what is wrong and what to do about it. */
export type FieldErrors = Readonly<Record<string, string>>

export interface FormState {
  readonly values: Readonly<Record<string, string>>
  readonly errors: FieldErrors
  /** What somebody else saved while this form was open; null or missing: nothing. */
  readonly stale?: Stale | null
  /** Tells the forms of one page apart; short, a-z. */
  readonly prefix?: string
}

export const EMPTY_FORM: FormState = { values: {}, errors: {} }

export const hasErrors = (errors: FieldErrors): boolean => Object.keys(errors).length > 0

/** The fields of these names, trimmed; empty where one is missing or repeated. */
export function readForm<Name extends string>(
  request: FastifyRequest,
  names: readonly Name[],
): Record<Name, string> {
  const values: Partial<Record<Name, string>> = {}
  for (const name of names) values[name] = field(request, name).trim()
  assert(isWhole(values, names), 'every name was read')
  return values
}

const isWhole = <Name extends string>(
  values: Partial<Record<Name, string>>,
  names: readonly Name[],
): values is Record<Name, string> => names.every((name) => values[name] !== undefined)

/** A field that may be repeated, as the boxes of a group are. */
export function fieldsOf(request: FastifyRequest, name: string): readonly string[] {
  const { body } = request
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, name)) return []
  const value: unknown = Reflect.get(body, name)
  const texts: readonly unknown[] = Array.isArray(value) ? value : [value]
  return texts.filter((text) => typeof text === 'string')
}

/** Largest version of a row that a form can name: an integer of the database. */
const VERSION_MAX = 2_147_483_647

/** The version of the row that the form was made from; null: the form carried none. */
export function versionOf(request: FastifyRequest): number | null {
  const text = field(request, 'version')
  if (!/^\d{1,10}$/.test(text)) return null
  const version = Number(text)
  return version > VERSION_MAX ? null : version
}

/** OPS-34: the row was saved by somebody else while a form of it was open. */
export interface Stale {
  /** Who saved it, and when; null where that is not known. */
  readonly who: string | null
  readonly at: UnixMs | null
  /** The fields in which what is stored differs from what was typed. */
  readonly fields: readonly {
    readonly label: string
    readonly typed: string
    readonly stored: string
  }[]
}

/** What to show to the second of two people who edited one row: their own words stay in the fields,
 * and each field in which the stored row differs is named with both. */
export function staleOf(what: {
  readonly who: string | null
  readonly at: UnixMs | null
  readonly labels: Readonly<Record<string, string>>
  readonly typed: Readonly<Record<string, string>>
  readonly stored: Readonly<Record<string, string>>
}): Stale {
  const { who, at, labels, typed, stored } = what
  const fields = Object.entries(labels)
    .map(([name, label]) => ({ label, typed: typed[name] ?? '', stored: stored[name] ?? '' }))
    .filter((row) => row.typed !== row.stored)
  return { who, at, fields }
}
