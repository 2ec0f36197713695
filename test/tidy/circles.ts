// No circles. In every folder we look at what lies directly in it, files and sub-folders alike, and
// at the imports among these. They must form no circle, and imports of types count: two rooms
// that need each other's types are one room, or want a third below them both.

import { posix } from 'node:path'
import { importsOf, type SourceFile } from './source.ts'

interface Edge {
  readonly from: string
  readonly to: string
  /** The import that makes it: `path imports path`. */
  readonly because: string
}

/** Every circle among the entries of one folder, described by the imports that close it. */
export function circles(files: readonly SourceFile[]): readonly string[] {
  const byFolder = new Map<string, Edge[]>()
  for (const file of files) {
    for (const { from } of importsOf(file)) {
      if (!from.startsWith('.')) continue
      const target = posix.normalize(posix.join(posix.dirname(file.path), from))
      const { folder, edge } = edgeBetween(file.path, target)
      if (edge !== null) byFolder.set(folder, [...(byFolder.get(folder) ?? []), edge])
    }
  }
  return [...byFolder].flatMap(([folder, edges]) =>
    circlesAmong(edges).map(
      (circle) => `${folder === '' ? 'the root' : folder}: ${circle.join(', ')}`,
    ),
  )
}

/** One import concerns exactly one folder: the deepest that holds both ends. */
function edgeBetween(path: string, target: string): { folder: string; edge: Edge | null } {
  const here = path.split('/')
  const there = target.split('/')
  let depth = 0
  while (here[depth] === there[depth] && depth < Math.min(here.length, there.length) - 1) depth += 1
  const folder = here.slice(0, depth).join('/')
  const [from = '', to = ''] = [here[depth], there[depth]]
  return {
    folder,
    edge: from === to ? null : { from, to, because: `${path} imports ${target}` },
  }
}

/** The shortest circle through each entry that is in one; each set of entries once. */
function circlesAmong(edges: readonly Edge[]): readonly (readonly string[])[] {
  const next = new Map<string, Map<string, Edge>>()
  for (const edge of edges) {
    const known = next.get(edge.from) ?? new Map<string, Edge>()
    if (!known.has(edge.to)) known.set(edge.to, edge)
    next.set(edge.from, known)
  }
  const seen = new Set<string>()
  const found: (readonly string[])[] = []
  for (const start of next.keys()) {
    const circle = shortestCircle(next, start)
    if (circle === null) continue
    const name = circle
      .map(({ from }) => from)
      .sort()
      .join(' ')
    if (seen.has(name)) continue
    seen.add(name)
    found.push(circle.map(({ because }) => because))
  }
  return found
}

function shortestCircle(
  next: ReadonlyMap<string, ReadonlyMap<string, Edge>>,
  start: string,
): readonly Edge[] | null {
  let paths: (readonly Edge[])[] = [...(next.get(start)?.values() ?? [])].map((edge) => [edge])
  const reached = new Set<string>()
  while (paths.length > 0) {
    const longer: (readonly Edge[])[] = []
    for (const path of paths) {
      const end = path.at(-1)?.to ?? ''
      if (end === start) return path
      if (reached.has(end)) continue
      reached.add(end)
      for (const edge of next.get(end)?.values() ?? []) longer.push([...path, edge])
    }
    paths = longer
  }
  return null
}
