// `npm run bench -- AREA [--json]`: measures, prints, judges nothing. docs/measurements.md says
// what the rows mean and what we saw.

import type { BenchRow, Report } from './rows.ts'

/** Loaded on demand: an area that needs a database must not keep another from running. */
const AREAS: Readonly<Record<string, () => Promise<(report: Report) => Promise<void> | void>>> = {
  tves: async () => (await import('./tves.ts')).run,
  gate: async () => (await import('./gate.ts')).run,
  ingest: async () => (await import('./ingest.ts')).run,
  clock: async () => (await import('./clock/run.ts')).run,
  'clock-live': async () => (await import('./clock/live.ts')).runLive,
  rotate: async () => (await import('./rotate.ts')).run,
  pages: async () => (await import('./pages.ts')).run,
  import: async () => (await import('./import.ts')).run,
}
const ALL = 'all'
const NAMES = [...Object.keys(AREAS), ALL].join(', ')
const COLUMNS = ['bench', 'ours', 'reference', 'ratio', 'unit', 'of'] as const

const shown = (value: string | number): string => {
  if (typeof value === 'string') return value
  return value >= 1_000 ? Math.round(value).toLocaleString('en') : value.toFixed(2)
}

/** Text columns align left, numbers right. */
function table(rows: readonly BenchRow[]): string {
  const cells = [[...COLUMNS], ...rows.map((row) => COLUMNS.map((name) => shown(row[name])))]
  const widths = COLUMNS.map((_, at) => Math.max(...cells.map((line) => (line[at] ?? '').length)))
  const isNumber = (at: number): boolean => at >= 1 && at <= 3
  return cells
    .map((line) =>
      line
        .map((cell, at) => {
          const width = widths[at] ?? 0
          return isNumber(at) ? cell.padStart(width) : cell.padEnd(width)
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

async function main(words: readonly string[]): Promise<number> {
  const json = words.includes('--json')
  const [area, ...more] = words.filter((word) => word !== '--json')
  const wanted = area === ALL ? Object.keys(AREAS) : [area ?? '']
  if (area === undefined || more.length > 0 || wanted.some((name) => !Object.hasOwn(AREAS, name))) {
    console.error(`Usage: npm run bench -- AREA [--json]\nAreas: ${NAMES}`)
    return 1
  }
  const rows: BenchRow[] = []
  for (const name of wanted) {
    const run = await AREAS[name]?.()
    await run?.((row) => {
      rows.push(row)
      if (json) console.log(JSON.stringify(row))
      else console.error(`${row.bench} done`)
    })
  }
  if (!json) console.log(table(rows))
  return 0
}

process.exitCode = await main(process.argv.slice(2))
