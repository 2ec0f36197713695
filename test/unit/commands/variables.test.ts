// The environment variables: one list in the code, and what the documents promise of it.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readSettings } from '../../../services/settings.ts'
import { mailFrom, utilityFrom } from '../../../services/commands/work/utility.ts'
import { openDatabase } from '../../../services/billing/store/pool.ts'
import { unknownVariables, variable, variableDefaults } from '../../../services/variables.ts'
import { errorText, FaultError } from '../../../shared/node/fault-error.ts'
import { packageRoot } from '../../../shared/node/root.ts'

const text = (path: string): string => readFileSync(join(packageRoot(), path), 'utf8')

/** Name and default of each variable that a table of the document lists; a default in brackets
 * stands for none. */
function documented(path: string): ReadonlyMap<string, string> {
  const rows = text(path).matchAll(/^\| (`(?:TICKLOCK_|DATABASE_)[^|]*) \| ([^|]*)\|/gm)
  const pairs = [...rows].flatMap(([, names = '', defaults = '']) => {
    const listed = [...names.matchAll(/`([A-Z_]+)`/g)].map(([, name = '']) => name)
    const values = defaults.trim().startsWith('(') ? [] : defaults.trim().split(', ')
    const [first = ''] = listed
    return listed.map((name, at): [string, string] => [
      name.startsWith('_') ? `${first}${name}` : name,
      values[at] ?? '',
    ])
  })
  return new Map(pairs)
}

test('docs/operating.md lists every variable with what holds when it is not set', () => {
  const defaults = variableDefaults()
  const told = documented('docs/operating.md')
  assert.deepEqual([...told.keys()].toSorted(), [...defaults.keys()].toSorted())
  for (const [name, otherwise] of told) {
    // What stands on bills is a placeholder until the operator says it.
    if (!name.startsWith('TICKLOCK_UTILITY')) assert.equal(otherwise, defaults.get(name), name)
  }
})

test('README.md says the same of those it lists', () => {
  const told = documented('README.md')
  assert.ok(told.size >= 8)
  for (const [name, otherwise] of told) assert.equal(otherwise, variableDefaults().get(name), name)
})

test('no file of a service names a variable that is not in the list', () => {
  const known = variableDefaults()
  const named = readdirSync(join(packageRoot(), 'services'), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path))
    .flatMap((path) => text(join('services', path)).match(/\bTICKLOCK_[A-Z_]+\b/g) ?? [])
  assert.ok(named.length > known.size)
  assert.deepEqual(
    [...new Set(named)].filter((name) => !known.has(name)),
    [],
  )
})

test('a variable that is set to nothing counts as not set', () => {
  assert.equal(variable({ TICKLOCK_TCP_PORT: '' }, 'TICKLOCK_TCP_PORT'), '7443')
  assert.deepEqual(
    readSettings({ TICKLOCK_DATA: '', DATABASE_URL: '', TICKLOCK_TCP_PORT: '' }),
    readSettings({}),
  )
})

test('OPS-05 names the variable and its range', () => {
  assert.throws(
    () => readSettings({ TICKLOCK_TOLERANCE_S: '61' }),
    /OPS-05 .*TICKLOCK_TOLERANCE_S="61" is not a number 1 to 60/,
  )
  assert.equal(readSettings({ TICKLOCK_TOLERANCE_S: '60' }).toleranceSeconds, 60)
  assert.equal(readSettings({ TICKLOCK_CLOCK_BOUND_MS: 'unknown' }).clockBoundUs, null)
})

const SECRET = 's3cret'
/** None of it is meant for any variable, though some of it may be taken. */
const RUBBISH: readonly string[] = [
  ' ',
  '%',
  'rubbish',
  'a%zz',
  '\n',
  '\u00fc',
  '-1',
  '1e9',
  '99999999999',
  '[::1',
  '::1',
  'Asia/Nashik',
  '/no/such/file',
  'M\uFFFDhl',
  'x'.repeat(10_000),
  ...[
    'postgres',
    'socket',
    'smtps',
    'smtp+starttls',
    'http',
    'twilio+https',
    'kannel+http',
  ].flatMap((scheme) =>
    [
      '%@h/d',
      '%ff@h',
      '%zz@h',
      '/x@h',
      '?x@h',
      '#x@h',
      '@x@h:',
      '@h:0',
      '@h:x',
      '@',
      '@h%/',
      '@[::1]',
    ]
      .map((rest) => `${scheme}://u:${SECRET}${rest}`)
      .concat(`${scheme}:`, `${scheme}:///`, `${scheme}://`),
  ),
]

/** What a start reads of the environment, as `up` does. */
async function readAll(env: Readonly<Record<string, string>>): Promise<void> {
  const settings = readSettings(env)
  utilityFrom(env, settings)
  if (settings.databaseUrl !== null) await openDatabase(settings.databaseUrl, () => {}).close()
}

test('rubbish in any variable is taken or OPS-05 with its name, and no secret is said', async () => {
  const refusals = new Map<string, number>()
  for (const name of variableDefaults().keys()) {
    for (const rubbish of RUBBISH) {
      const others = { TICKLOCK_MAIL_FROM: 'a@b.example', TICKLOCK_SMS_FROM: 'T' }
      const told = await readAll({ ...others, [name]: rubbish }).then(
        () => null,
        (error: unknown) => error,
      )
      if (told === null) continue
      const place = `${name}=${JSON.stringify(rubbish.slice(0, 50))}`
      assert.ok(
        told instanceof FaultError && told.code === 'OPS-05',
        `${place}: ${errorText(told)}`,
      )
      assert.ok(told.message.includes(name), `${place}: ${told.message}`)
      const isUrl = name.endsWith('_URL')
      assert.ok(!isUrl || !told.message.includes(SECRET), `${place}: ${told.message}`)
      refusals.set(name, (refusals.get(name) ?? 0) + 1)
    }
  }
  // Of a folder too, a lost character is all that can be seen before it is opened (OPS-04).
  assert.deepEqual(
    [...variableDefaults().keys()].filter((name) => !refusals.has(name)),
    [],
  )
})

test('a URL with user and password: escapes are read, anything else in it is refused', () => {
  const told = (url: string): string => {
    const env = { TICKLOCK_SMTP_URL: url, TICKLOCK_MAIL_FROM: 'a@b.example' }
    try {
      return mailFrom(env) === null ? 'none' : 'taken'
    } catch (error) {
      return error instanceof FaultError ? error.message.replace(/\. Remedy.*/s, '') : String(error)
    }
  }
  const taken = [
    'u:50%25off@mail.example',
    'u:p%2Fq%3F%23@mail.example:465/',
    'mail.example',
    '[::1]:25',
  ]
  for (const rest of taken) assert.equal(told(`smtps://${rest}`), 'taken', rest)
  assert.match(
    told('smtps://u:50%off@mail.example'),
    /OPS-05 .*TICKLOCK_SMTP_URL: .*write % as %25/,
  )
  // The part behind the slash would be the host that was meant.
  assert.match(
    told('smtps://u:12/34@mail.example'),
    /TICKLOCK_SMTP_URL: something follows the host/,
  )
  assert.match(told('smtps://u:a#b@mail.example'), /TICKLOCK_SMTP_URL: not a URL/)
  assert.match(told('mail.example.org'), /TICKLOCK_SMTP_URL: not a URL/)
  assert.match(told('smtp://u:p@mail.example'), /TICKLOCK_SMTP_URL: a password needs/)
})

test('a misspelt variable is named with the one that was probably meant', () => {
  const env = {
    TICKLOCK_HTP_PORT: '1',
    ticklock_zone: 'x',
    TICKLOCKDATA: 'x',
    TICKLOCK_SOMETHING_ELSE: 'x',
    TICKLOCK_TEST_LANE: '1',
    TICKLOCK_ZONE: 'UTC',
    PATH: 'x',
  }
  assert.deepEqual(unknownVariables(env), [
    { name: 'TICKLOCK_HTP_PORT', like: 'TICKLOCK_HTTP_PORT' },
    { name: 'ticklock_zone', like: 'TICKLOCK_ZONE' },
    { name: 'TICKLOCKDATA', like: 'TICKLOCK_DATA' },
    { name: 'TICKLOCK_SOMETHING_ELSE', like: null },
  ])
})
