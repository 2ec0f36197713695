// Writes docs/faults.md from the table in shared/faults.ts. Run after `npm run build`.
import { writeFileSync } from 'node:fs'

const { FAULTS } = await import('../dist/shared/faults.js')
const cells = [
  ['code', 'severity', 'what happened', 'what to do'],
  ...Object.entries(FAULTS).map(([code, { is, severity, then }]) => [code, severity, is, then]),
]
const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)))
const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`
const [head, ...rows] = cells.map(line)
const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`
writeFileSync(
  new URL('../docs/faults.md', import.meta.url),
  `# Fault codes

Every refusal, alarm and error of Ticklock carries one of these codes: in logs, in \`/metrics\`
(\`ticklock_refused_total{code="SEC-03"}\`), on the operator's pages. A code never changes its meaning.
The prefix says where to look: WIR the wire, SEC keys and frames, CLK time, MTR the meter line, BIL billing,
OPS the machine and its operation. This table is printed from \`shared/faults.ts\` by \`node tools/faults.js\`;
a test compares the two.

${head}
${rule}
${rows.join('\n')}
`,
)
