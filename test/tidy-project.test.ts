// What holds for the project around the code: its documents, its dependencies and their licences,
// the fault table, the words in it. Each check is tried on a sample first: it must be able to fail.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join, posix } from 'node:path'
import { test } from 'node:test'
import { GRANTS } from '../services/billing/store/grants.ts'
import { FAULT_CODES, FAULTS, isFaultCode } from '../shared/faults.ts'
import { packageRoot } from '../shared/node/root.ts'
import { untestedClaims } from './tidy/claims.ts'
import { isFree, lockBreaches, unpinned } from './tidy/packages.ts'
import { brokenLinks, missingFiles, unknownScripts } from './tidy/documents.ts'
import { projectFiles, readText, source } from './tidy/source.ts'

/** Codes that have a meaning already but no code path yet. They stay in the table so that nobody
 * gives them another meaning. */
const RESERVED: Readonly<Record<string, string>> = {
  'BIL-02': 'for a roll-over noticed outside a bill run',
  'CLK-01': 'a slave shows state U instead',
}

/** Words of a machine or a workshop, spelt so that this line is not one of them. */
const MACHINE_WORDS =
  /(?:^|[^\w.])\/(?:[w]ork|[f]arm)\/|\/[U]sers\/[a-z]|\/[r]oot\/|\/tmp\/[a-z]\/|[b]ash_jobs|DEVELOPER[S]\.md|\.\.\/shared\/(?:[d]esign|[s]eeds|[h]ooks)|\bsub[a]gent|\bchat[g]pt\b|\b[c]laude\b/i

const files = projectFiles()
const documents = files.filter((path) => path.endsWith('.md'))
const isThere = (path: string) => existsSync(join(packageRoot(), path))

test('docs/faults.md prints the table of shared/faults.ts (node tools/faults.js writes it)', () => {
  const cells = (line: string) => line.split('|').map((cell) => cell.trim())
  const printed = readText('docs/faults.md')
    .split('\n')
    .filter((line) => /^\| *[A-Z]{3}-/.test(line))
    .map((line) => cells(line).slice(1, 5).join(' | '))
  const table = Object.entries(FAULTS).map(([code, { is, severity, then }]) =>
    [code, severity, is, then].join(' | '),
  )
  assert.deepEqual(printed, table)
})

test('every fault code is raised somewhere or reserved with a reason', () => {
  const raised = new Set<string>()
  for (const path of files.filter((each) => /^(?:services|shared|bin|tools)\//.test(each))) {
    // These name every code: the tables say what it means, the remedies where it is mended.
    if (
      /^shared\/(?:link-|bill-)?faults\.ts$|\/kit\/remedies\.ts$/.test(path) ||
      !/\.(?:tsx?|js)$/.test(path)
    )
      continue
    const { uncommented } = source(path, readText(path))
    for (const [code] of uncommented.matchAll(/\b[A-Z]{3}-(?:\d\d|FORK)\b/g)) raised.add(code)
  }
  const silent = FAULT_CODES.filter((code) => !raised.has(code) && RESERVED[code] === undefined)
  assert.deepEqual(silent, [], 'in shared/faults.ts but nowhere raised')
  const strange = Object.keys(RESERVED).filter((code) => !isFaultCode(code) || raised.has(code))
  assert.deepEqual(strange, [], 'reserved, but raised or not in the table')
})

test('every claim of the threat model names what would fail if it were false', () => {
  const attacks = new Set(
    files
      .filter((path) => path.startsWith('services/adversary/'))
      .flatMap((path) => [...readText(path).matchAll(/^ +name: '([^']+)'/gm)])
      .map(([, name = '']) => name),
  )
  const isTest = (path: string) =>
    ['.test.ts', '.ts', ''].some((ending) => isThere(`test/${path}${ending}`))
  const known = { isTest, attacks }
  assert.deepEqual(untestedClaims(readText('docs/threat-model.md'), known), [])
  const row = (claim: string, by: string) => `| a | b | ${claim} | ${by} |`
  assert.deepEqual(untestedClaims(row('cannot do it', 'stated'), known), [
    'a: a claim that is only stated',
  ])
  assert.deepEqual(untestedClaims(row('can do it', 'stated'), known), [])
  assert.deepEqual(untestedClaims(row('cannot', 'unit/none; attack: no such'), known), [
    'a: unknown unit/none',
    'a: unknown attack: no such',
  ])
})

test('documents name only fault codes that exist', () => {
  const unknown = documents.flatMap((path) =>
    [...readText(path).matchAll(/\b(?:WIR|SEC|CLK|MTR|BIL|OPS)-(?:\d\d|FORK)\b/g)]
      .map(([code]) => code)
      .filter((code) => !isFaultCode(code))
      .map((code) => `${path}: ${code}`),
  )
  assert.deepEqual(unknown, [])
})

test('no machine paths or workshop words', () => {
  for (const word of ['see /wor_k/main', '/roo_t/x', 'a sub_agent']) {
    assert.match(word.replace('_', ''), MACHINE_WORDS)
  }
  assert.doesNotMatch('services/network/a.ts, ../shared/captures', MACHINE_WORDS)
  const found = files
    .filter((path) => /\.(?:tsx?|js|json|md|sql|ya?ml|toml|css|html)$|^[^/]*file$|^\.ci/.test(path))
    .filter((path) => path !== 'package-lock.json')
    .flatMap((path) =>
      readText(path)
        .split('\n')
        .flatMap((line, index) =>
          MACHINE_WORDS.test(line) ? [`${path}:${index + 1} ${line.trim()}`] : [],
        ),
    )
  assert.deepEqual(found, [])
})

test('the links between documents lead somewhere', () => {
  const there = (path: string) => path === 'docs/a.md'
  assert.deepEqual(brokenLinks('docs/b.md', '[a](a.md) [w](https://w.org/x)', there), [])
  assert.deepEqual(brokenLinks('docs/b.md', 'x\n[c](c.md#d)', there), ['docs/b.md:2 docs/c.md'])
  assert.deepEqual(
    documents.flatMap((path) => brokenLinks(path, readText(path), isThere)),
    [],
  )
})

test('files that documents name in `code` exist', () => {
  const there = (path: string) => path === 'docs/a.md'
  assert.deepEqual(missingFiles('README.md', '`docs/a.md` `npm test` `shared/*/`', there), [])
  assert.deepEqual(missingFiles('README.md', '`test/no.ts`', there), ['README.md:1 test/no.ts'])
  assert.deepEqual(
    documents.flatMap((path) => missingFiles(path, readText(path), isThere)),
    [],
  )
})

test('documents name only npm scripts that exist', () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(readText('package.json'))
  assert.deepEqual(unknownScripts('a.md', '`npm run nothing`', scripts), ['a.md:1 nothing'])
  assert.deepEqual(
    documents.flatMap((path) => unknownScripts(path, readText(path), scripts)),
    [],
  )
})

test('the change log has an Unreleased section on top', () => {
  const [first] = readText('CHANGELOG.md').match(/^## .*$/m) ?? []
  assert.equal(first, '## Unreleased')
})

test('dependencies are pinned to exact versions', () => {
  assert.deepEqual(unpinned({ dependencies: { a: '^1.0.0', b: '1.0.0' } }), ['a ^1.0.0'])
  assert.deepEqual(unpinned(JSON.parse(readText('package.json'))), [])
})

test('the lock file is whole, proves every package and names no host', () => {
  const other = { dev: true, optional: true, os: ['darwin'] }
  const entry = { ...other, resolved: 'https://b/a', optionalDependencies: { b: '1.0.0' } }
  assert.deepEqual(lockBreaches({ packages: { 'node_modules/a': entry } }), [
    'node_modules/a: no integrity',
    'node_modules/a: a host',
    'node_modules/a: b is absent',
  ])
  assert.deepEqual(lockBreaches(JSON.parse(readText('package-lock.json'))), [])
})

test('what we ship is free to ship: licences of all production packages', () => {
  assert.equal(isFree('MIT AND OFL-1.1'), true)
  assert.equal(isFree('(GPL-3.0 OR MIT)'), true)
  assert.equal(isFree('MIT AND GPL-3.0'), false)
  assert.equal(isFree(undefined), false)
  const lock: { packages: Record<string, { dev?: boolean; license?: string; name?: string }> } =
    JSON.parse(readText('package-lock.json'))
  const refused = Object.entries(lock.packages)
    .filter(([path, { dev }]) => path !== '' && dev !== true)
    .filter(([path, { license }]) => !isFree(license ?? licenceInFolder(path)))
    .map(([path, { license }]) => `${path}: ${license ?? 'no licence named'}`)
  assert.deepEqual(refused, [])
})

/** Some packages carry the licence as a text only. */
function licenceInFolder(path: string): string | undefined {
  const text = posix.join(path, 'LICENSE')
  if (!isThere(text)) return undefined
  return /Permission is hereby granted, free of charge/.test(readText(text)) ? 'MIT' : undefined
}

test('the image holds all that is read from the package root, and pages stay on the machine', () => {
  const image = readText('Dockerfile').split('AS build')[1]?.split('\nFROM ')[1] ?? ''
  for (const path of ['migrations', 'services/billing/kit/style.css', 'bin', '/app/dist']) {
    assert.ok(new RegExp(`^COPY (--from=build )?${path} `, 'm').test(image), path)
  }
  assert.match(readText('docker-compose.yml'), /"127\.0\.0\.1:8080:8080"/)
})

test('the container files run as nobody special and keep the database inside', () => {
  const image = readText('Dockerfile')
  assert.match(image, /^FROM node:26[\w.-]*-slim\b/m)
  assert.match(image, /^USER (?!root\b)\w+$/m)
  assert.match(image, /^HEALTHCHECK /m)
  assert.match(image, /npm ci --omit=dev/)
  const compose = readText('docker-compose.yml')
  assert.doesNotMatch(compose, /\t/)
  assert.match(compose, /image: postgres:18/)
  assert.doesNotMatch(compose, /privileged:|network_mode: host|:latest\b/)
  for (const [, indent] of compose.matchAll(/^( *)\S/gm)) assert.equal((indent ?? '').length % 2, 0)
})

test('every table and view of the migrations has its rights declared in grants.ts', () => {
  const migrations = projectFiles().filter((path) => /^migrations\/.*\.sql$/.test(path))
  const named = (verb: string): ReadonlySet<string> =>
    new Set(
      migrations.flatMap((path) =>
        [...readText(path).matchAll(new RegExp(`^${verb} (?:table|view) (\\w+)`, 'gm'))].map(
          ([, name = '']) => name,
        ),
      ),
    )
  const dropped = named('drop')
  const made = [...named('create')].filter((name) => !dropped.has(name))
  assert.deepEqual([...made, 'schema_migrations'].sort(), Object.keys(GRANTS).sort())
})
