// A tariff as the text of its document, as people would write it: fields in the order in which they
// are explained, each slab on a line of its own.

import type { Json, JsonObject } from '../../../../shared/documents/canonical.ts'
import { type Tariff, tariffDocument } from './tariff.ts'

/** Longest object or list that stays on one line, characters. */
const LINE = 88

export const tariffText = (tariff: Tariff): string => `${printed(tariffDocument(tariff), '')}\n`

function printed(value: Json, indent: string): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const inner = `${indent}  `
  const entries = isList(value)
    ? value.map((entry) => ['', entry] as const)
    : Object.entries(value).map(([name, entry]) => [`${JSON.stringify(name)}: `, entry] as const)
  const [open, close] = isList(value) ? '[]' : '{}'
  const flat = entries.map(([name, entry]) => `${name}${printed(entry, '')}`)
  const line = isList(value) ? `[${flat.join(', ')}]` : `{ ${flat.join(', ')} }`
  const plain = entries.every(([, entry]) => typeof entry !== 'object' || entry === null)
  const short = line.length <= LINE && !line.includes('\n')
  if (short && (plain || entries.length === 1)) return line
  const lines = entries.map(([name, entry]) => `${inner}${name}${printed(entry, inner)}`)
  return `${open}\n${lines.join(',\n')}\n${indent}${close}`
}

const isList = (value: readonly Json[] | JsonObject): value is readonly Json[] =>
  Array.isArray(value)
