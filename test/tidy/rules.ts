// The rules about source text. Each carries a sample it must refuse and one it must let pass: a
// rule that cannot fail is no rule.

import { isPure, refusal } from './floors.ts'
import { at, type Finding, functionsOf, importsOf, linesThat, type SourceFile } from './source.ts'

/** Longer files hide their second theme. */
const FILE_LINES_MAX = 400
/** One screen and a half: what a reader holds at once. */
const FUNCTION_LINES_MAX = 70
/** A test may tell one story from end to end. */
const STORY_LINES_MAX = 160
/** Two files side by side on a laptop. Text in quotes may run over: nobody should fold a
 * message. */
const LINE_COLUMNS_MAX = 100
/** Comments. */
const PROSE_COLUMNS_MAX = 100

/** Casts outside units.ts and bytes.ts, each where a brand is made or a library's type is too
 * wide. */
const CASTS_ALLOWED: Readonly<Record<string, string>> = {
  'shared/units.ts': 'makes the brands of time',
  'shared/bytes.ts': 'makes the brands of bytes',
  'shared/meter/obis.ts': 'makes the brand Obis',
  'shared/faults.ts': 'Object.keys forgets which keys',
}

/** Calendar arithmetic needs zones; everywhere else time is a number. */
const CALENDAR = 'services/billing/civil/calendar.ts'

export interface Rule {
  readonly name: string
  /** Each breach of the rule in this file. */
  readonly breaches: (file: SourceFile) => readonly Finding[]
  /** Path and text that must be refused, and that must pass. */
  readonly bad: readonly (readonly [string, string])[]
  readonly good: readonly (readonly [string, string])[]
}

const code = (pattern: RegExp, what: string) => (file: SourceFile) =>
  linesThat(file.code, pattern).map(([line]) => at(file, line, what))

/** Columns a line takes when the strings in it are empty. */
const width = (line: string, code: string): number =>
  line.search(/\S|$/) + columns(code.trim().replace(/(\S) {2,}/g, '$1 '))

/** Code points, not code units. */
const columns = (text: string): number => Array.from(text).length

const inFolders = /^(?:services|shared|test)\//

/** Blanks out import and export lists, where `as` renames. */
const withoutRenames = (text: string): string =>
  text.replace(
    /^(?:import|export)\s+(?:type\s+)?[{*][^}\n]*(?:\n[^}\n]*)*?(?:\}|\bfrom\b)/gm,
    (list) => list.replace(/[^\n]/g, ' '),
  )

const CAST = /\bas\s+(?:[A-Z{(['"`]|(?!const\b)[a-z]+\b)/
/** In a page, sentences such as `Download as PDF` stand between the tags. */
const withoutSentences = (text: string): string =>
  text.replace(/>[^<>{}();=]*<\/|^\s*[A-Z][\w ,.]*$/gm, (sentence) =>
    sentence.replace(/[^\n]/g, ' '),
  )
const CAST_TO_ANY = /\bas\s+any\b/

const casts = (file: SourceFile): readonly Finding[] => {
  if (CASTS_ALLOWED[file.path] !== undefined) return []
  // Tests forge what the types forbid, so they may cast, but not give up on types.
  const pattern = file.path.startsWith('test/') ? CAST_TO_ANY : CAST
  const code = withoutRenames(file.path.endsWith('.tsx') ? withoutSentences(file.code) : file.code)
  return linesThat(code, pattern).map(([line]) =>
    at(file, line, 'casts with `as`: parse the value or narrow its type'),
  )
}

/** Where SQL may stand. The outbox of a slave is a database of its own, and the attacker looks into
 * the database behind everybody's back. */
const SPEAKS_SQL =
  /^services\/(?:billing\/(?:store\/|[a-z]+\/db(?:\/|\.ts$))|slave\/shell\/outbox\/|adversary\/)/
const SQL =
  /\bsql(?:<[^`]*>)?`|\.query(?:<[^(]*>)?\(|\b(?:selectFrom|insertInto|updateTable|deleteFrom)\(|['"`]\s*(?:select .* from|insert into|update \w+ set|delete from)\b/i
const WRITES_HTML = /^services\/billing\/(?:kit\/|[a-z]+\/pages(?:\/|\.tsx$))/
const HTML =
  /['"`](?:[^'"`]*\s)?<\/?(?:!doctype|html|head|body|div|span|p|a|table|t[rdh]|ul|li|h[1-6]|form|svg|b|br)\b[^'"`]*>/i

export const RULES: readonly Rule[] = [
  {
    name: 'every import stays on its floor (architecture.md)',
    breaches: (file) =>
      importsOf(file).flatMap(({ line, from }) => {
        const why = refusal(file.path, from)
        return why === '' ? [] : [at(file, line, why)]
      }),
    bad: [
      ['shared/units.ts', "import { x } from './clock/filter.ts'"],
      ['shared/clock/a.ts', "import { randomBytes } from 'node:crypto'"],
      ['shared/clock/a.ts', "import { z } from 'zod'"],
      ['shared/clock/a.ts', "import type { Suite } from '../node/node-suite.ts'"],
      ['services/slave/core/a.ts', "export {\n  a,\n} from '../shell/link.ts'"],
      ['services/slave/shell/a.ts', "const m = await import('../../master/core/master.ts')"],
      ['services/slave/main.ts', "import { b } from '../billing/db/pool.ts'"],
      ['services/simulator/a.ts', "import { b } from '../billing/db/pool.ts'"],
      ['services/utils/a.ts', "import { b } from '../billing/store/pool.ts'"],
      ['services/billing/store/a.ts', "import { b } from './pool'"],
      ['services/billing/db/a.ts', "import { b } from '../store/pool.ts'"],
      ['services/billing/bills/db/a.ts', "import type { B } from '../pages/b.tsx'"],
      ['services/billing/bills/pages/a.tsx', "import { b } from '../db/b.ts'"],
      ['services/billing/bills/core/a.ts', "import { b } from '../../tariffs/db/b.ts'"],
      ['services/billing/notices/shell/a.ts', "import { b } from '../../bills/core/b.ts'"],
      ['services/billing/kit/a.tsx', "import type { B } from '../access/core/b.ts'"],
      ['services/billing/kit/islands/a.ts', "import { b } from 'node:fs'"],
      ['services/cli.ts', "import { b } from '../test/unit/a.ts'"],
    ],
    good: [
      ['shared/clock/a.ts', "import { spanMs } from '../units.ts'"],
      ['shared/tves/a.ts', "import { gcm } from '@noble/ciphers/aes.js'"],
      ['services/billing/bills/core/a.ts', "// import x from '../db/pool.ts'"],
      ['services/billing/bills/core.ts', "import { b } from '../tariffs/core/b.ts'"],
      ['services/billing/bills/http/a.ts', "import { b } from '../pages/b.tsx'"],
      ['services/billing/site/http/a.ts', "import { b } from '../../bills/http/b.ts'"],
      ['services/simulator/a.ts', "import { step } from '../slave/core/agent.ts'"],
      ['services/cli.ts', "import { b } from './billing/main.ts'"],
      ['test/unit/a.test.ts', "import { b } from '../../services/billing/store/pool.ts'"],
    ],
  },
  {
    name: 'pure floors ask for no time, chance or outside world: they are passed in',
    breaches: (file) =>
      !isPure(file.path)
        ? []
        : [
            ...code(
              /\b(?:Date|performance|process|globalThis|console|Math\.random|async|await|fetch|set(?:Timeout|Interval|Immediate)|queueMicrotask|Temporal\.Now)\b(?!['":])/,
              'is not pure: pass it in',
            )(file),
            ...(file.path === CALENDAR
              ? []
              : code(/\bTemporal\b/, `civil time belongs to ${CALENDAR}`)(file)),
          ],
    bad: [
      ['shared/clock/a.ts', 'const now = Date.now()'],
      ['shared/clock/a.ts', 'const now = new Date(0)'],
      ['services/slave/core/a.ts', 'const r = Math.random()'],
      ['services/slave/core/a.ts', 'export async function a() {}'],
      ['services/billing/bills/core/a.ts', 'const zone = Temporal.PlainDate.from(text)'],
      [CALENDAR, 'const now = Temporal.Now.instant()'],
      ['shared/clock/a.ts', 'const t = `${performance.now()} ms`'],
    ],
    good: [
      ['shared/clock/a.ts', '// Date.now() would be wrong here'],
      ['services/slave/shell/a.ts', 'const now = Date.now()'],
      [CALENDAR, 'const day = Temporal.PlainDate.from(text)'],
      ['shared/clock/a.ts', "const text = 'async Date'"],
    ],
  },
  {
    name: 'SQL stands where the tables are: in db, in the store, in the outbox',
    breaches: (file) =>
      !file.path.startsWith('services/') || SPEAKS_SQL.test(file.path)
        ? []
        : linesThat(file.uncommented, SQL).map(([line]) => at(file, line, 'SQL outside db')),
    bad: [
      ['services/billing/bills/shell/a.ts', 'const rows = await sql`select 1`.execute(db)'],
      ['services/billing/site/shell/a.ts', "await pool.query('select 1')"],
      ['services/billing/bills/http/a.ts', "db.selectFrom('bills')"],
      ['services/commands/a.ts', "await pool.query('update devices set name = 1')"],
    ],
    good: [
      ['services/billing/bills/db/a.ts', "db.selectFrom('bills')"],
      ['services/billing/bills/db.ts', "db.selectFrom('bills')"],
      ['services/billing/bills/http/a.ts', "const text = query(request, 'state')"],
      ['services/slave/shell/outbox/a.ts', "db.prepare('delete from frames')"],
    ],
  },
  {
    name: 'HTML stands in pages, and in the kit they are made of',
    breaches: (file) =>
      !file.path.startsWith('services/') || WRITES_HTML.test(file.path)
        ? []
        : file.path.endsWith('.tsx')
          ? [at(file, 1, 'a page outside pages')]
          : linesThat(file.uncommented, HTML).map(([line]) => at(file, line, 'HTML outside pages')),
    bad: [
      ['services/billing/bills/http/a.ts', "reply.send('<p>Nothing here</p>')"],
      ['services/billing/bills/shell/a.tsx', ''],
    ],
    good: [
      ['services/billing/bills/pages/a.ts', "const page = '<p>'"],
      ['services/billing/kit/a.tsx', '<p>x</p>'],
      ['services/billing/bills/http/a.ts', 'const a: Promise<void> = b<p>(c)'],
    ],
  },
  {
    name: 'tests that run again run the same: no chance without a seed',
    breaches: (file) =>
      /^test\/(?:unit|property|hostile|sim)\//.test(file.path)
        ? code(/\b(?:randomBytes|randomUUID|randomInt|Math\.random)\b/, 'seed it')(file)
        : [],
    bad: [
      ['test/unit/slave/a.test.ts', 'const key = randomBytes(32)'],
      ['test/sim/a.ts', 'const x = Math.random()'],
    ],
    good: [
      ['test/unit/slave/a.test.ts', "const key = chanceOf(1, 'a').bytes(32)"],
      ['test/e2e/a.test.ts', 'const key = randomBytes(32)'],
    ],
  },
  {
    name: 'no `any`',
    breaches: code(
      /[:<|&]\s*any\b(?!['":])|\bas\s+any\b|\bany(?:\[\]|>)/,
      'any: say what it is, or unknown',
    ),
    bad: [
      ['test/a.ts', 'const a: any = 1'],
      ['test/a.ts', 'const a = new Map<string, any>()'],
    ],
    good: [['test/a.ts', "assert.equal(any, 'any: any')"]],
  },
  {
    name: 'no `!` that silences the compiler',
    breaches: (file) =>
      code(
        file.path.endsWith('.tsx') ? /[\w$)\]]!(?=[.[),;])/ : /[\w$)\]]!(?!=)/,
        'asserts with `!`: check instead',
      )(file),
    bad: [
      ['shared/a.ts', 'const a = list[0]!'],
      ['shared/a.ts', 'const a = find(b)!.c'],
    ],
    good: [
      ['shared/a.ts', "if (!a !== b) say('no!')"],
      ['services/billing/bills/pages/a.tsx', '<p>Hello!</p>'],
    ],
  },
  {
    name: 'casts only where brands are made',
    breaches: casts,
    bad: [
      ['shared/clock/a.ts', 'const a = b as UnixMs'],
      ['services/slave/shell/a.ts', 'const a = JSON.parse(b) as { c: number }'],
      ['services/billing/bills/pages/a.tsx', 'const a = (b as unknown)'],
      ['test/a.ts', 'const a = b as any'],
    ],
    good: [
      ['shared/clock/a.ts', 'const a = [1] as const'],
      ['shared/clock/a.ts', "import {\n  a as B,\n} from './b.ts'"],
      ['shared/clock/a.ts', "import * as B from './b.ts'"],
      ['services/billing/bills/db/a.ts', 'const sql = `select a as B`'],
      ['services/billing/bills/pages/a.tsx', '      Download as PDF\n<b>the same as a table</b>'],
      ['shared/units.ts', 'const a = b as UnixMs'],
    ],
  },
  {
    name: 'no default exports, enums or namespaces',
    breaches: code(
      /\bexport\s+default\b|\bexport\b.*\bas\s+default\b|^\s*(?:export\s+|declare\s+|const\s+)*(?:enum|namespace)\s+\w/,
      'default export, enum or namespace',
    ),
    bad: [
      ['test/a.ts', 'export default 1'],
      ['test/a.ts', 'export const enum A {'],
      ['test/a.ts', 'export namespace A {'],
    ],
    good: [['test/a.ts', '// export default\nconst namespaces = 1']],
  },
  {
    name: 'no barrels: a file does not only hand on what others export',
    breaches: (file) =>
      /(?:^|\/)index\.tsx?$/.test(file.path) || /^export\s+\*/m.test(file.code)
        ? [at(file, 1, 'a barrel')]
        : [],
    bad: [
      ['shared/clock/index.ts', ''],
      ['shared/clock/a.ts', "export * from './b.ts'"],
    ],
    good: [['shared/clock/a.ts', 'export const a = 1']],
  },
  {
    name: `files have at most ${FILE_LINES_MAX} lines`,
    breaches: (file) => {
      const lines = file.text.replace(/\n$/, '').split('\n').length
      return lines > FILE_LINES_MAX ? [at(file, lines, `${lines} lines: split by theme`)] : []
    },
    bad: [['test/a.ts', 'a\n'.repeat(FILE_LINES_MAX + 1)]],
    good: [['test/a.ts', 'a\n'.repeat(FILE_LINES_MAX)]],
  },
  {
    name: `functions have at most ${FUNCTION_LINES_MAX} lines, tests ${STORY_LINES_MAX}`,
    breaches: (file) => {
      const limit = file.path.startsWith('test/') ? STORY_LINES_MAX : FUNCTION_LINES_MAX
      return functionsOf(file.code)
        .filter(({ lines }) => lines > limit)
        .map(({ line, lines }) => at(file, line, `function of ${lines} lines: name its parts`))
    },
    bad: [
      ['shared/a.ts', `function a() {\n${'  b()\n'.repeat(FUNCTION_LINES_MAX - 1)}}`],
      ['shared/a.ts', `  close(a: A): void {\n${'    b()\n'.repeat(FUNCTION_LINES_MAX - 1)}  }`],
      ['shared/a.ts', `const a = (\n  c: C,\n): C => ({\n${'  b,\n'.repeat(FUNCTION_LINES_MAX)}})`],
      ['shared/a.ts', `test('a', async () => {\n${'  b()\n'.repeat(FUNCTION_LINES_MAX - 1)}})`],
    ],
    good: [
      ['shared/a.ts', `function a() {\n${'  b()\n'.repeat(FUNCTION_LINES_MAX - 2)}}\nc()\nd()`],
      ['shared/a.ts', `const A = {\n${'  b: 1,\n'.repeat(FUNCTION_LINES_MAX)}}`],
      ['shared/a.ts', `if (a) {\n${'  b()\n'.repeat(FUNCTION_LINES_MAX)}}`],
      ['shared/a.ts', `if (\n  a &&\n  b\n) {\n${'  b()\n'.repeat(FUNCTION_LINES_MAX)}}`],
    ],
  },
  {
    name: `lines have at most ${LINE_COLUMNS_MAX} columns`,
    breaches: (file) => {
      const lines = file.text.split('\n')
      const code = file.code.split('\n')
      return lines.flatMap((line, index) => {
        const isLong =
          width(line, code[index] ?? '') > LINE_COLUMNS_MAX ||
          (columns(line) > PROSE_COLUMNS_MAX && /^\s*(?:\/\/|\/?\*)/.test(line))
        return isLong ? [at(file, index + 1, 'line too long')] : []
      })
    },
    bad: [
      ['shared/a.ts', 'a'.repeat(LINE_COLUMNS_MAX + 1)],
      ['shared/a.ts', `// ${'a'.repeat(PROSE_COLUMNS_MAX)}`],
    ],
    good: [
      ['shared/a.ts', 'ä'.repeat(LINE_COLUMNS_MAX)],
      ['shared/a.ts', `test('${'a'.repeat(LINE_COLUMNS_MAX)}', () => {`],
    ],
  },
  {
    name: 'files and folders are named in kebab-case',
    breaches: (file) =>
      inFolders.test(file.path) &&
      !/^(?:[a-z0-9]+(?:-[a-z0-9]+)*\/)+[a-z0-9]+(?:-[a-z0-9]+)*(?:\.d|\.test)?\.tsx?$/.test(
        file.path,
      )
        ? [at(file, 1, 'is not named in kebab-case')]
        : [],
    bad: [
      ['shared/clock/softClock.ts', ''],
      ['shared/Clock/soft.ts', ''],
    ],
    good: [['shared/meter/iec62056-21.ts', '']],
  },
  {
    name: 'nothing is left over: no task marks, no silenced checks, no focused tests',
    breaches: (file) =>
      linesThat(
        file.text,
        /\b(?:TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b|@ts-(?:ignore|expec[t]-error|nocheck)|(?:ox|es|biome)[l]int-disable|\b(?:test|it|describe)\.onl[y]\(/,
      ).map(([line]) => at(file, line, 'finish it or write an issue')),
    bad: [
      ['test/a.ts', '// TO_DO later'.replace('_', '')],
      ['test/a.ts', "test.on_ly('a')".replace('_', '')],
    ],
    good: [['test/a.ts', 'const todos = 1']],
  },
]
