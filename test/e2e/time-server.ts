// The head-end's clock thread alone, serving this machine's clock by NTP on port 123 of loopback: a
// process of its own, to be run in a network namespace (its clients know no other port).

import { HeadTime } from '../../services/master/shell/time/head-time.ts'
import { spanUs } from '../../shared/units.ts'

const STATED_US = 10_000

const ntp = { host: '127.0.0.1', port: 123 }
const options = { ntp, sources: [], systemBound: spanUs(STATED_US) }
const time = await HeadTime.open(options, { onReport: () => {}, onFault: () => {} })
console.log('ready')
process.once('SIGTERM', () => void time.close())
