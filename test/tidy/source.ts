// What the tidy tests read: the files of the project, and each source file once more with its
// comments, strings and patterns blanked out, so that a rule about code does not trip over a
// sentence. No parser: the code is formatted by Biome, so lines and indentation tell what we need,
// and the tests tell when they do not.

import { execFileSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../shared/node/root.ts'

export interface SourceFile {
  /** Path from the package's root, with slashes. */
  readonly path: string
  readonly text: string
  /** The same lines; comments, strings and regular expressions are blanks. */
  readonly code: string
  /** The same lines; only comments are blanks. */
  readonly uncommented: string
}

/** Where a rule is broken: `path:line what`. */
export type Finding = string

export const at = (file: { readonly path: string }, line: number, what: string): Finding =>
  `${file.path}:${line} ${what}`

/** Every file of the project that git does not ignore, committed or not yet. Outside a git
 * checkout (a tarball, an image) the folders that hold our own files. */
export function projectFiles(): readonly string[] {
  const cwd = packageRoot()
  try {
    const listed = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard'], {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const paths = listed.split('\0').filter((path) => path !== '' && path !== 'node_modules')
    return globSync(paths.map(escapeGlob), { cwd }).sort()
  } catch {
    const own = '{bin,docs,migrations,services,shared,test,tools}/**/*.*'
    return globSync(['*.{json,md,yml}', '.*.json', 'LICENSE', 'Dockerfile', own], { cwd }).sort()
  }
}

/** Names with glob characters stay names. */
const escapeGlob = (path: string): string => path.replace(/[[\]{}()*?!]/g, '\\$&')

export const readText = (path: string): string => readFileSync(join(packageRoot(), path), 'utf8')

export const source = (path: string, text: string): SourceFile => ({
  path,
  text,
  code: blank(text, { strings: true }),
  uncommented: blank(text, { strings: false }),
})

/** A regular expression begins after one of these; after anything else a slash divides. */
const BEFORE_PATTERN = /(?:^|[(,=:[!&|?{};+\n>]|\breturn)\s*$/
const TOKEN_BEFORE_CHARS = 40
const PATTERN = /\/(?![*/])(?:[^\\/[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y
const SIMPLE_STRING = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/y
const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y

const spaces = (text: string): string => text.replace(/[^\n]/g, ' ')

/** The match of a sticky pattern at `from`, or ''. */
function matchAt(pattern: RegExp, text: string, from: number): string {
  pattern.lastIndex = from
  return pattern.exec(text)?.[0] ?? ''
}

/** Blanks out comments, and with `strings` also what stands in quotes and slashes. Template
 * literals keep the code inside their `${}`. Every character keeps its line and column. */
export function blank(text: string, { strings }: { readonly strings: boolean }): string {
  let out = ''
  let index = 0
  // One entry per template we are inside of: how many braces are open in its current `${}`, or -1
  // in its text.
  const templates: number[] = []
  while (index < text.length) {
    const depth = templates.at(-1)
    const char = text.charAt(index)
    if (depth === -1) {
      const end = char === '`'
      const opens = text.startsWith('${', index)
      const piece = opens ? '${' : char === '\\' ? text.slice(index, index + 2) : char
      if (end) templates.pop()
      if (opens) templates[templates.length - 1] = 0
      out += strings ? spaces(piece) : piece
      index += piece.length
      continue
    }
    const comment = matchAt(COMMENT, text, index)
    const quoted = matchAt(SIMPLE_STRING, text, index)
    const before = out.slice(-TOKEN_BEFORE_CHARS)
    const pattern = BEFORE_PATTERN.test(before) ? matchAt(PATTERN, text, index) : ''
    const hidden = quoted === '' ? pattern : quoted
    if (comment !== '') out += spaces(comment)
    else if (hidden !== '') out += strings ? hidden.charAt(0) + spaces(hidden.slice(1)) : hidden
    else if (char === '`') {
      templates.push(-1)
      out += strings ? ' ' : char
    } else if (depth !== undefined && char === '{') {
      templates[templates.length - 1] = depth + 1
      out += char
    } else if (depth !== undefined && char === '}') {
      templates[templates.length - 1] = depth - 1
      out += depth === 0 && strings ? ' ' : char
    } else out += char
    index += Math.max(1, comment.length, hidden.length)
  }
  return out
}

export interface Import {
  readonly line: number
  /** As written: 'node:fs', 'pg', '../units.ts'. */
  readonly from: string
}

/** Static, re-exported, dynamic and type imports. */
export function importsOf(file: SourceFile): readonly Import[] {
  const found: Import[] = []
  const pattern =
    /^(?:import|export)\b[^'"]*?\bfrom\s+['"]([^'"\n]+)['"]|^import\s+['"]([^'"\n]+)['"]|\bimport\(\s*['"]([^'"\n]+)['"]/gm
  for (const match of file.uncommented.matchAll(pattern)) {
    const from = match[1] ?? match[2] ?? match[3] ?? ''
    const before = file.uncommented.slice(0, match.index + match[0].length)
    found.push({ line: before.split('\n').length, from })
  }
  return found
}

/** Lines of the blanked code that match, numbered from 1. */
export function linesThat(code: string, pattern: RegExp): readonly (readonly [number, string])[] {
  return code
    .split('\n')
    .map((line, index) => [index + 1, line] as const)
    .filter(([, line]) => pattern.test(line))
}

export interface FunctionSpan {
  readonly line: number
  readonly lines: number
}

const NOT_A_FUNCTION = /^\s*(?:\}\s*|void )?(?:if|else|for|while|switch|catch|describe|suite)\b/
const SIGNATURE_END = /^\s*\).*(?:=>|\{)[\s([{]*$/
const ONE_LINE_START =
  /=>[\s([{]*$|\bfunction\b.*\{$|^\s+(?:(?:async|static|get|set|override|private|protected|public)\s+)*[#\w]+\(.*\).*\{$/

/** Functions and how many lines they take, read off the indentation: from the line that opens the
 * signature to the first line indented no deeper, as Biome formats it. */
export function functionsOf(code: string): readonly FunctionSpan[] {
  const lines = code.split('\n')
  const indents = lines.map((line) => (line.trim() === '' ? Infinity : line.search(/\S/)))
  const spans: FunctionSpan[] = []
  for (const [index, line] of lines.entries()) {
    const indent = indents[index] ?? 0
    let start = index
    if (SIGNATURE_END.test(line)) {
      do start--
      while (start > 0 && (indents[start] ?? 0) > indent)
    } else if (!ONE_LINE_START.test(line)) continue
    if (NOT_A_FUNCTION.test(lines[start] ?? '')) continue
    const after = indents.findIndex((depth, place) => place > index && depth <= indent)
    const end = after === -1 ? lines.length - 1 : after
    const closes = /^\s*[)}\]]/.test(lines[end] ?? '')
    spans.push({ line: start + 1, lines: end - start + (closes ? 1 : 0) })
  }
  return spans
}
