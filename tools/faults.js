// Writes docs/faults.md from the table in shared/faults.ts. Run after `npm run build`.
import { writeFileSync } from 'node:fs'

const { FAULTS } = await import('../dist/shared/faults.js')
const rows = Object.entries(FAULTS).map(
  ([code, { is, severity, then }]) => `| ${code} | ${severity} | ${is} | ${then} |`,
)
writeFileSync(
  new URL('../docs/faults.md', import.meta.url),
  `# Fault codes

Every refusal, alarm and error of Ticklock carries one of these codes: in logs, in \`/metrics\`
(\`ticklock_refused_total{code="SEC-03"}\`), on the operator's pages. A code never changes its meaning.
The prefix says where to look: WIR the wire, SEC keys and frames, CLK time, MTR the meter line, BIL billing,
OPS the machine and its operation. This table is printed from \`shared/faults.ts\` by \`node tools/faults.js\`;
a test compares the two.

| code | severity | what happened | what to do |
| --- | --- | --- | --- |
${rows.join('\n')}
`,
)
