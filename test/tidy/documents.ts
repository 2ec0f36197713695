// Documents: what they point at must be there.

import { posix } from 'node:path'

/** Markdown without its fenced examples, lines kept. */
const prose = (text: string): readonly string[] =>
  text.replace(/^```[\s\S]*?^```/gm, (block) => block.replace(/[^\n]/g, '')).split('\n')

const eachMatch = (
  lines: readonly string[],
  pattern: RegExp,
): readonly (readonly [number, string])[] =>
  lines.flatMap((line, index) =>
    [...line.matchAll(pattern)].map((match) => [index + 1, match[1] ?? ''] as const),
  )

/** Relative links of the document `path` that lead nowhere: `path:line target`. */
export function brokenLinks(
  path: string,
  text: string,
  isThere: (path: string) => boolean,
): readonly string[] {
  return eachMatch(prose(text), /\]\(([^)#\s]+)(?:#[^)]*)?\)/g)
    .filter(([, target]) => !/^[a-z]+:/.test(target))
    .map(([line, target]) => [line, posix.join(posix.dirname(path), target)] as const)
    .filter(([, target]) => !isThere(target))
    .map(([line, target]) => `${path}:${line} ${target}`)
}

/** Files of ours that the document names in backticks and that are not there. */
export function missingFiles(
  path: string,
  text: string,
  isThere: (path: string) => boolean,
): readonly string[] {
  const ours = /`((?:bin|docs|migrations|services|shared|test|tools|\.ci)\/[\w./-]+)`/g
  return eachMatch(prose(text), ours)
    .filter(([, target]) => !isThere(target))
    .map(([line, target]) => `${path}:${line} ${target}`)
}

/** `npm run X` where package.json has no X. */
export function unknownScripts(
  path: string,
  text: string,
  scripts: Readonly<Record<string, string>>,
): readonly string[] {
  return eachMatch(text.split('\n'), /\bnpm run ([\w:-]+)/g)
    .filter(([, name]) => scripts[name] === undefined)
    .map(([line, name]) => `${path}:${line} ${name}`)
}
