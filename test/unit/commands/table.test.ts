// `ticklock COMMAND`: the table, its help, and what it refuses before anything runs.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import { COMMAND_LIFE } from '../../../services/billing/fleet/db/commands.ts'
import { found } from '../../../services/commands/help.ts'
import { COMMANDS } from '../../../services/commands/table.ts'
import { packageRoot } from '../../../shared/node/root.ts'

/** Files beside the sub-commands that are none. */
const NO_COMMANDS = ['sub-command.ts', 'table.ts', 'until-stopped.ts']
const options = new Set(COMMANDS.flatMap((command) => command.options))

test('each file of services/commands is one command of the table, and there is no other', () => {
  const files = readdirSync(join(packageRoot(), 'services/commands'))
    .filter((file) => file.endsWith('.ts') && !NO_COMMANDS.includes(file))
    .map((file) => file.slice(0, -'.ts'.length))
  assert.deepEqual(COMMANDS.map(({ name }) => name).toSorted(), files.toSorted())
  assert.equal(COMMANDS.length, 21)
})

test('help has a line for each command and each of its options', async (t) => {
  const log = t.mock.method(console, 'log', () => undefined)
  await found('help', COMMANDS).run([], COMMANDS)
  const text = String(log.mock.calls[0]?.arguments[0])
  for (const { name, usage, about, details } of COMMANDS) {
    const line = text
      .split('\n')
      .find((one) => one.startsWith(`  ${`${name} ${usage}`.trimEnd()} `))
    assert.ok(about !== '' && line?.endsWith(`  ${about}`), name)
    for (const [left, right] of details) {
      assert.ok(
        text.split('\n').some((one) => one.startsWith(`      ${left} `) && one.endsWith(right)),
        `${name} ${left}`,
      )
    }
  }
})

for (const command of COMMANDS) {
  const { name } = command

  test(`${name}: its help names the options it takes, and no other`, () => {
    const told = command.details.flatMap(([left]) => /^--([a-z-]+)/.exec(left)?.[1] ?? [])
    assert.deepEqual(told.toSorted(), command.options.toSorted())
  })

  test(`${name}: answers --help and -h, whatever else is said, and does not run`, async (t) => {
    const log = t.mock.method(console, 'log', () => undefined)
    const calls = [['--help'], ['-h'], ['word', '--nonsense', '--help']]
    for (const args of calls) await command.run(args, COMMANDS)
    assert.equal(log.mock.callCount(), calls.length)
    for (const call of log.mock.calls) {
      assert.ok(String(call.arguments[0]).startsWith(`ticklock ${name}`))
    }
  })

  test(`${name}: OPS-12 for an option of another command and for surplus words`, async () => {
    const foreign = [...options, 'nonsense'].filter((option) => !command.options.includes(option))
    assert.ok(foreign.length > 0)
    for (const option of foreign) {
      await assert.rejects(
        command.run([`--${option}`], COMMANDS),
        new RegExp(`OPS-12 .*'--${option}'.*\\(ticklock ${name}\\b`),
      )
    }
    await assert.rejects(
      command.run(['a', 'b', 'c', 'd', 'e'], COMMANDS),
      new RegExp(`OPS-12 .*one word too many.*\\(ticklock ${name}\\b`),
    )
  })
}

test('help says how long a command lives and how often it may have a meter read', () => {
  const told = new Map(found('command', COMMANDS).details)
  assert.match(told.get('--expires SECONDS') ?? '', new RegExp(`\\(${COMMAND_LIFE / 1_000}\\)$`))
  assert.match(told.get('schedule METER SECONDS') ?? '', /5 to 86400/)
})

test('a command nobody knows is OPS-12 with those there are', () => {
  const names = COMMANDS.map(({ name }) => name).join(', ')
  assert.throws(() => found('lunch', COMMANDS), new RegExp(`OPS-12 .*"lunch" is none of ${names}`))
})

test('before a command runs, nothing of a service is loaded but the command line', () => {
  const loaded = new Set<string>()
  const load = (path: string): void => {
    if (loaded.has(path)) return
    loaded.add(path)
    const text = readFileSync(join(packageRoot(), path), 'utf8')
    for (const [, from = ''] of text.matchAll(/^import (?!type )[^']*'(\.[^']+)'/gm)) {
      load(normalize(join(dirname(path), from)))
    }
  }
  load('services/cli.ts')
  assert.ok(loaded.size > COMMANDS.length)
  const light = /^(?:shared\/|services\/(?:cli|variables)\.ts$|services\/commands\/[a-z-]+\.ts$)/
  assert.deepEqual(
    [...loaded].filter((path) => !light.test(path)),
    [],
  )
})
