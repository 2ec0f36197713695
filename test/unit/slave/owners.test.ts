// Each part of the slave's state is changed by one room alone (services/slave/core/state/own.ts).
// The types make everybody else's view readonly; this makes sure that nobody else asks for another.

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { OWNER_OF } from '../../../services/slave/core/state/own.ts'

const CORE = 'services/slave/core/'
const parts = new Map<string, string>(Object.entries(OWNER_OF))

/** The file of state/ that declares a part. */
const fileOf = (part: string): string =>
  `${part.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}.ts`

/** Where each type of a part is declared: `Lane` with `outgoing`. */
const partOf = new Map(
  [...parts.keys()].flatMap((part) => {
    const text = readFileSync(`${CORE}state/${fileOf(part)}`, 'utf8')
    return [...text.matchAll(/^export (?:interface|type) (\w+)/gm)].map(
      ([, name = '']) => [name, part] as const,
    )
  }),
)

/** What a file asks to change without owning it. `path`: below core/. */
function trespasses(path: string, text: string): readonly string[] {
  const owns = (part: string): boolean => path.startsWith(parts.get(part) ?? '?')
  const code = text.replace(/^\s*(?:\/\/|\/?\*).*$/gm, '')
  const found: string[] = []
  for (const [call, argument = ''] of code.matchAll(/\bown\(([^()]*)\)/g)) {
    const part = /^(?:turn\.)?state\.(\w+)$/.exec(argument)?.[1]
    // A lane, a meter's clock: reached through what the room owns.
    const inside = /^\w+$/.test(argument) && [...parts.keys()].some(owns)
    if (part === undefined ? !inside : !owns(part)) found.push(call)
  }
  for (const [view, name = ''] of code.matchAll(/\bOwned<(\w+)>/g)) {
    const part = partOf.get(name.replace(/^Readonly/, ''))
    if (part === undefined || !owns(part)) found.push(view)
  }
  return found
}

test('every part of the state is changed by the room that owns it, and by no other', () => {
  const files = globSync(`${CORE}**/*.ts`).map((file) => file.replaceAll('\\', '/'))
  assert.ok(files.length > 30, `${files.length} files`)
  let asked = 0
  for (const file of files) {
    const path = file.slice(CORE.length)
    if (path === 'state/own.ts') continue
    const text = readFileSync(file, 'utf8')
    asked += text.split('own(').length - 1
    assert.deepEqual(trespasses(path, text), [], file)
  }
  assert.ok(asked > 50, `${asked} views`)
})

test('each part says who changes it, as the table does', () => {
  for (const [part, owner] of parts) {
    const text = readFileSync(`${CORE}state/${fileOf(part)}`, 'utf8')
    const prose = text.slice(0, text.indexOf('\n\n')).replaceAll('\n// ', ' ')
    assert.ok(prose.includes(`Changed by ${owner}`), part)
  }
})

test('the rule refuses a stranger, and lets the owner pass', () => {
  const link = 'own(turn.state.link).wantEpoch = true'
  assert.deepEqual(trespasses('link/events.ts', link), [])
  assert.deepEqual(trespasses('outgoing/sending.ts', link), ['own(turn.state.link)'])
  const lane = 'function park(lane: Owned<Lane>) { own(lane).parked = true }'
  assert.deepEqual(trespasses('outgoing/forwarder.ts', lane), [])
  assert.deepEqual(trespasses('agent.ts', lane), ['own(lane)', 'Owned<Lane>'])
  assert.deepEqual(trespasses('link/events.ts', 'own(turn.state.outgoing.lanes[0])'), [
    'own(turn.state.outgoing.lanes[0])',
  ])
})
