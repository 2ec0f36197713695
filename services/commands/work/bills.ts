// `ticklock bills`: the board and the run, on the database of the running head-end.

import { FAULTS, isFaultCode } from '../../../shared/faults.ts'
import { FaultError } from '../../../shared/node/fault-error.ts'
import { type UnixMs, unixMs } from '../../../shared/units.ts'
import { issuerOf } from '../../billing/bills/core/issuer.ts'
import {
  type BoardMonth,
  monthName,
  monthNamed,
  STATE_WORDS,
  withoutPeriod,
} from '../../billing/bills/core/board.ts'
import { boardMonth, boardOf } from '../../billing/bills/db/board.ts'
import { dryRunOf } from '../../billing/bills/db/periods.ts'
import { runBills } from '../../billing/bills/db/run.ts'
import { addDays, type CivilDate, monthOf } from '../../billing/civil/calendar.ts'
import { readUtility } from '../../billing/utility/db/profile.ts'
import type { Settings } from '../../settings.ts'
import { operator, withDatabase } from './database.ts'
import { utilityFrom } from './utility.ts'

const now = (): UnixMs => unixMs(Date.now())

/** OPS-12 when it is none. */
function monthFrom(text: string): CivilDate {
  const month = monthNamed(text)
  if (month === null) throw new FaultError('OPS-12', `--month ${text}: written 2026-10`)
  return month
}

export async function printBoard(settings: Settings, month: string | null): Promise<void> {
  const only = month === null ? null : monthFrom(month)
  await withDatabase(settings, async ({ kysely }) => {
    const months =
      only === null
        ? (await boardOf(kysely, { now: now() })).months
        : [await boardMonth(kysely, only)]
    if (months.length === 0) console.log('No month of a contract is over yet.')
    for (const row of months) printMonth(row)
  })
}

function printMonth(row: BoardMonth): void {
  console.log(`${monthName(row.month)}  ${row.contracts} contracts, ${row.billed} billed`)
  for (const { state, code, count, since } of row.cells) {
    const words = code !== null && isFaultCode(code) ? `  ${code} ${FAULTS[code].is}` : ''
    const at = new Date(since).toISOString().slice(0, 16)
    console.log(`  ${String(count).padStart(6)}  ${STATE_WORDS[state]}${words}, since ${at}Z`)
  }
  const without = withoutPeriod(row)
  if (without !== 0) console.log(`  ${String(without).padStart(6)}  not over there, or being cut`)
}

/** Nothing is issued while the utility has no name (BIL-19). */
export async function runMonth(
  settings: Settings,
  asked: string | null,
  dryRun: boolean,
): Promise<void> {
  // Over everywhere, whatever the zones are.
  const running = monthOf(new Date(now() - 12 * 3_600_000).toISOString().slice(0, 10)).from
  const month = asked === null ? monthOf(addDays(running, -1)).from : monthFrom(asked)
  await withDatabase(settings, async ({ kysely }) => {
    if (!dryRun) {
      const utility = issuerOf(await readUtility(kysely, utilityFrom(process.env, settings)))
      const run = await runBills(kysely, { month, now: now(), utility, by: operator() })
      console.log(`${monthName(month)}: ${run.issued} bills issued`)
      if (run.faults.has('BIL-19')) throw new FaultError('BIL-19', monthName(month))
      printMonth(await boardMonth(kysely, month))
      return
    }
    const { sums, computedAt } = await dryRunOf(kysely, month)
    if (computedAt === null) console.log(`${monthName(month)}: no bill is ready`)
    else console.log(`${monthName(month)}, computed ${new Date(computedAt).toISOString()}:`)
    for (const { tariff, count, kWh, amount, currency, lowest, highest } of sums) {
      console.log(
        `  ${tariff}: ${count} bills, ${kWh} kWh, ${amount} ${currency} (${lowest} to ${highest})`,
      )
    }
  })
}
