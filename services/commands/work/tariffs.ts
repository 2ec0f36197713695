// `ticklock tariff`: what the page Tariffs does, for scripts and for whoever keeps price lists in
// files.

import { readFileSync } from 'node:fs'
import { errorText, FaultError } from '../../../shared/node/fault-error.ts'
import { unixMs } from '../../../shared/units.ts'
import { civilDateAt, dateText, monthOf } from '../../billing/civil/calendar.ts'
import { differences } from '../../billing/tariffs/core/differences.ts'
import { tariffText } from '../../billing/tariffs/core/print.ts'
import { dayRefusal, dayWarnings } from '../../billing/tariffs/core/publishing.ts'
import type { Tariff } from '../../billing/tariffs/core/tariff.ts'
import { workedBill } from '../../billing/tariffs/core/trial.ts'
import { chargeWords } from '../../billing/tariffs/core/words.ts'
import { TARIFFS_MAX, type TariffStore, tariffStore } from '../../billing/tariffs/db/reads.ts'
import type { TextFault } from '../../billing/tariffs/core/views.ts'
import { readTariffText, tariffFile } from '../../billing/tariffs/shell/tariff-text.ts'
import { NO_ENVIRONMENT } from '../../billing/utility/core/environment.ts'
import { zoneOf } from '../../billing/utility/core/profile.ts'
import { readUtility } from '../../billing/utility/db/profile.ts'
import type { Db } from '../../billing/store/pool.ts'
import type { Settings } from '../../settings.ts'
import { operator, withDatabase } from './database.ts'

interface Order {
  readonly file: string
  readonly from: string | null
  readonly why: string | null
  readonly kwh: string | null
  readonly dryRun: boolean
  readonly anyway: boolean
}

/** Today's date where the utility is. */
async function todayFor(settings: Settings, db: Db['kysely']): Promise<string> {
  const zone = settings.zone ?? zoneOf(await readUtility(db, NO_ENVIRONMENT))
  return civilDateAt(unixMs(Date.now()), zone)
}

/** BIL-20 with every mistake of the file; BIL-34 when it cannot be published from that day, and for
 * a warning without --anyway. */
export async function publishFile(settings: Settings, order: Order): Promise<void> {
  const verdict = readTariffText(textOf(order.file))
  if (!verdict.ok) {
    for (const fault of verdict.faults) console.log(placed(order.file, fault))
    const { length } = verdict.faults
    throw new FaultError(
      'BIL-20',
      `${order.file}: ${length === 1 ? '1 mistake' : `${length} mistakes`}`,
    )
  }
  const { tariff, hash, document } = verdict
  await withDatabase(settings, async ({ kysely }) => {
    const month = monthOf(await todayFor(settings, kysely))
    const isNew = (await tariffStore(kysely).newest(tariff.code)) === null
    const from = order.from ?? (isNew ? month.from : month.to)
    printTrial(tariff, from, order.kwh)
    const store = tariffStore(kysely)
    const standing = await store.standing(tariff.code, from)
    const refusal = dayRefusal(from, hash, standing)
    const published = standing.versions.some((one) => one.validFrom === from && one.hash === hash)
    if (published) return console.log(refusal)
    if (refusal !== null) throw new FaultError('BIL-34', refusal)
    const seen = await printChanges(store, tariff)
    const warnings = dayWarnings(from, standing)
    for (const warning of warnings) console.log(`warning: ${warning}`)
    if (order.dryRun) return console.log(`dry run: nothing is published from ${dateText(from)} on`)
    if (warnings.length > 0 && !order.anyway) {
      throw new FaultError('BIL-34', 'publish it in spite of the warnings with --anyway')
    }
    const author = {
      who: operator(),
      why: order.why ?? `published from ${order.file}`,
      importId: null,
    }
    const entry = { document, validFrom: from, now: unixMs(Date.now()), author, seen }
    const publication = await store.publish(entry)
    if (!publication.ok) throw new FaultError(publication.fault, publication.detail)
    console.log(`${tariff.code} is published from ${dateText(from)} on`)
  })
}

/** OPS-05 when it cannot be read. */
function textOf(file: string): string {
  const bytes = bytesOf(file)
  const read = tariffFile(bytes)
  if (read.ok) return read.text
  for (const fault of read.faults) console.log(placed(file, fault))
  throw new FaultError('BIL-20', `${file} is no text`)
}

function bytesOf(file: string): Uint8Array {
  try {
    return readFileSync(file === '-' ? 0 : file)
  } catch (error) {
    throw new FaultError('OPS-05', errorText(error))
  }
}

const placed = (file: string, { line, column, path, why }: TextFault): string =>
  `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${why}`

function printTrial(tariff: Tariff, from: string, kWh: string | null): void {
  if (kWh === null) return
  const worked = workedBill(tariff, { kWh, from, to: monthOf(from).to })
  if (!worked.ok) throw new FaultError('OPS-12', Object.values(worked.errors).join(' '))
  for (const { label, how, amount } of worked.trial.lines) {
    console.log(`  ${label}: ${amount}`)
    for (const step of how) console.log(`      ${step}`)
  }
  console.log(`  Total for ${kWh} kWh in ${worked.trial.days} days: ${worked.trial.total}`)
}

/** What changes against the newest version; returns its id. */
async function printChanges(store: TariffStore, tariff: Tariff): Promise<number | null> {
  const newest = await store.newest(tariff.code)
  if (newest === null) {
    console.log(`${tariff.code} is new: ${tariff.name}`)
    for (const charge of tariff.charges) {
      console.log(`  ${charge.label}: ${chargeWords(charge, tariff)}`)
    }
    return null
  }
  const changes = differences(newest.tariff, tariff)
  console.log(`against the version of ${dateText(newest.validFrom)}:`)
  if (changes.length === 0) console.log('  nothing changes')
  for (const { what, before, after } of changes) {
    console.log(`  ${what}: ${before ?? '(new)'} -> ${after ?? '(gone)'}`)
  }
  return newest.id
}

export async function listTariffs(settings: Settings): Promise<void> {
  await withDatabase(settings, async ({ kysely }) => {
    const store = tariffStore(kysely)
    const today = await todayFor(settings, kysely)
    for (let after = ''; ; ) {
      const found = await store.tariffs(after, today)
      for (const { code, shown, nextFrom, versions } of found.slice(0, TARIFFS_MAX)) {
        const next = nextFrom === null ? '' : `, next from ${nextFrom}`
        console.log(
          `${code}  ${shown.tariff.name}  valid from ${shown.validFrom}${next}  versions: ${versions}`,
        )
      }
      if (found.length === 0 && after === '') console.log('no tariff is published yet')
      if (found.length <= TARIFFS_MAX) return
      after = found[TARIFFS_MAX - 1]?.code ?? ''
    }
  })
}

/** OPS-12 when there is none of that code. */
export async function showTariff(settings: Settings, code: string): Promise<void> {
  await withDatabase(settings, async ({ kysely }) => {
    const versions = await tariffStore(kysely).versions(code)
    const today = await todayFor(settings, kysely)
    const shown = versions.find(({ validFrom }) => validFrom <= today) ?? versions.at(-1)
    if (shown === undefined) throw new FaultError('OPS-12', `no tariff has the code "${code}"`)
    process.stdout.write(tariffText(shown.tariff))
  })
}
