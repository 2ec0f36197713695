// `npm run bench`, or `npm run bench -- NAME` for one of them. One JSON row per measurement; the ratio to
// a reference measured in the same process is what counts, absolute figures move with the machine.

import { run as ingest } from './ingest.ts'
import { run as tves } from './tves.ts'

const BENCHES = { tves, ingest }

const chosen = process.argv[2] ?? ''
const named = Object.entries(BENCHES).filter(([name]) => name.includes(chosen))
if (named.length === 0) throw new Error(`no bench matches "${chosen}"`)
for (const [, run] of named) await run((row) => console.log(JSON.stringify(row)))
