// Runs the billing server: database, readings in, bills and notices out, pages. It hands the master
// a roster, a sink and a fleet board; the master hands back accepted frames.

import { join } from 'node:path'
import type { Pool } from 'pg'
import type { Commands } from '../../shared/handover/commands.ts'
import type { Roster, SecretBox } from '../../shared/handover/roster.ts'
import type { DeviceId, FleetBoard, Sink } from '../../shared/handover/sink.ts'
import { errorText, FaultError } from '../../shared/node/fault-error.ts'
import type { Fields, Log } from '../../shared/node/log.ts'
import { nodeRandom } from '../../shared/node/node-suite.ts'
import { shiftMs, type UnixMs, unixMs } from '../../shared/units.ts'
import { type BillOrders, issuerOf } from './bills/core/issuer.ts'
import { hasOperator } from './access/db/operators.ts'
import { startAttention } from './attention/shell/watch.ts'
import { webStores } from './site/db/stores.ts'
import { servedClockFigures } from './clocks/db/figures.ts'
import { startClockKeeper } from './clocks/shell/keeper.ts'
import { COMMAND_LIFE, giveCommand, openCommands } from './fleet/db/commands.ts'
import { Fleet } from './fleet/db/board.ts'
import { prepareSchema } from './store/migrate.ts'
import { queueAgain } from './notices/db/notices.ts'
import { indexClosedMonths } from './readings/db/partitions.ts'
import { type Db, isUp, openDatabase, openOwner } from './store/pool.ts'
import { openImportDesk } from './customers/shell/imports/desk.ts'
import { importOffice } from './customers/shell/imports/office.ts'
import { ReadingSink } from './readings/db/sink.ts'
import { startRetimer } from './readings/shell/retiming.ts'
import { openRoster } from './fleet/db/roster.ts'
import { readSummary } from './site/db/summary.ts'
import { buildApp } from './site/http/app.ts'
import type { WebDeps } from './site/http/deps.ts'
import { customerLink, setupLink } from './access/shell/links.ts'
import { openAccessWatch } from './access/shell/watch.ts'
import { type BillClerk, startBillClerk } from './bills/shell/bill-clerk.ts'
import { type EmbeddedPostgres, startPostgres } from './store/embedded/embedded-postgres.ts'
import { openKeptSecrets } from './access/shell/kept-secrets.ts'
import { testMail, testSms } from './notices/shell/service-test.ts'
import { serverMetrics } from './site/shell/metrics.ts'
import { type NoticeWorker, startNoticeWorker } from './notices/shell/notice-worker.ts'
import { billMatter } from './bills/shell/bill-matter.ts'
import { storedBillPdf } from './bills/shell/document.ts'
import { openPress, type Press } from './bills/shell/press.ts'
import { openSenders } from './notices/shell/senders.ts'
import type { UtilityEnvironment } from './utility/core/environment.ts'
import { type Profile, zoneOf } from './utility/core/profile.ts'
import { readUtility } from './utility/db/profile.ts'
import { historyFrom } from './civil/calendar.ts'
import type { SlaveDoor } from './fleet/core/views.ts'

export interface BillingOptions {
  /** Folder of the embedded PostgreSQL, used when databaseUrl is null. */
  readonly dataFolder: string
  readonly databaseUrl: string | null
  /** The same database as the owner of its tables; null: databaseUrl is that too. */
  readonly ownerUrl: string | null
  readonly http: { readonly host: string; readonly port: number }
  readonly baseUrl: string
  readonly trustedProxies: readonly string[]
  /** What the environment says of the utility; the rest is entered on pages. */
  readonly utility: UtilityEnvironment
  /** Wraps the secrets that operators enter. */
  readonly secrets: SecretBox
  /** Where slaves call, and how tokens for them are made. */
  readonly slaves: {
    readonly door: SlaveDoor
    readonly newToken: (db: Db, device: DeviceId) => Promise<string>
    readonly newDevice: (
      db: Db,
      device: { readonly name: string; readonly historyFrom: UnixMs },
    ) => Promise<{ readonly device: DeviceId; readonly token: string } | null>
  }
  readonly inbox: WebDeps['inbox']
  readonly attacks: WebDeps['attacks']
  readonly backfill: WebDeps['backfill']
  readonly demo: boolean
  readonly log: Log
}

export interface RunningBilling {
  readonly db: Db
  readonly roster: Roster
  readonly commands: Commands
  readonly sink: Sink
  readonly board: FleetBoard
  readonly clerk: BillClerk
  /** Takes no more readings; call it after the master's doors are closed. */
  close(): Promise<void>
}

/** How often to look for closed months, ms. */
const TEND_MS = 6 * 3_600_000

const now = (): UnixMs => unixMs(Date.now())

/** Rejects with a FaultError: OPS-03 port taken, OPS-07/08/09/13 database. */
export async function runBilling(options: BillingOptions): Promise<RunningBilling> {
  const { log, baseUrl } = options
  const postgres = await openPostgres(options)
  const say = (line: string): void => log.info(line)
  const db = openDatabase(postgres?.connection ?? options.databaseUrl ?? '', say)
  const owner = openOwner(postgres?.owner ?? options.ownerUrl ?? options.databaseUrl ?? '')
  const closers: (() => Promise<void>)[] = [
    async () => {
      await db.close()
      await owner.end()
      await postgres?.close()
    },
  ]
  try {
    const surplus = await prepareSchema({ owner, runtime: db.pool })
    if (surplus.length > 0) log.fault('OPS-31', `it ${surplus.join(', ')}`)
    const sink = new ReadingSink(db.pool, undefined, say)
    const retimer = startRetimer(db.pool, say)
    closers.push(() => retimer.stop())
    const clockKeeper = startClockKeeper(db.pool, say)
    closers.push(() => clockKeeper.stop())
    const board = new Fleet(db.pool, say)
    await board.begin(now())
    closers.push(async () => {
      await board.close()
      await sink.close()
    })
    const press = openPress((fault, detail) => log.fault(fault, detail))
    closers.push(() => press.close())
    const profile = () => readUtility(db.kysely, options.utility)
    const { utility: environment, secrets } = options
    const worker: NoticeWorker = startNoticeWorker({
      db: db.kysely,
      drivers: openSenders({ db: db.kysely, environment, secrets, log: say }),
      matterOf: (billId) => billMatter({ db: db.kysely, press }, billId),
      linkOf: async (id) => {
        const { publicUrl } = await profile()
        const source = { db: db.kysely, random: nodeRandom, baseUrl: publicUrl ?? baseUrl }
        return customerLink(source, id, now())
      },
      now,
      log: say,
    })
    closers.push(() => worker.stop())
    const orders = () => billOrders(db, options)
    const clerk = startBillClerk({ db: db.kysely, orders, now, worker, log })
    closers.push(() => clerk.stop())
    const attention = startAttention({ db: db.kysely, now, log: say })
    closers.push(() => attention.stop())
    const keeper = setInterval(() => void tend(owner, log), TEND_MS)
    closers.push(async () => clearInterval(keeper))
    const app = await openPages(options, { db, press, board, profile })
    closers.push(() => app.close())
    return {
      db,
      roster: openRoster(db.kysely),
      commands: openCommands(db.kysely, now),
      sink,
      board,
      clerk,
      close: () => closeAll(closers),
    }
  } catch (error) {
    await closeAll(closers)
    throw error
  }
}

/** Months that are over get their by-meter index, built while writing goes on. */
async function tend(owner: Pool, log: Log): Promise<void> {
  try {
    for (const table of await indexClosedMonths(owner, now())) log.info('month indexed', { table })
  } catch (error) {
    log.fault('OPS-08', `index of a closed month: ${errorText(error)}`)
  }
}

async function closeAll(closers: (() => Promise<void>)[]): Promise<void> {
  for (const close of closers.splice(0).toReversed()) await close()
}

async function openPostgres(options: BillingOptions): Promise<EmbeddedPostgres | null> {
  if (options.databaseUrl !== null) return null
  const folder = join(options.dataFolder, 'postgresql')
  return startPostgres({ folder, log: (line) => options.log.info(line) })
}

/** What the utility says about bills, as it is now. */
async function billOrders({ kysely }: Db, { utility }: BillingOptions): Promise<BillOrders> {
  const said = await readUtility(kysely, utility)
  return { utility: issuerOf(said), issuing: said.issuing }
}

async function openPages(
  options: BillingOptions,
  parts: {
    readonly db: Db
    readonly press: Press
    readonly board: FleetBoard
    readonly profile: () => Promise<Profile>
  },
): Promise<Awaited<ReturnType<typeof buildApp>>> {
  const { baseUrl, trustedProxies, demo, inbox, attacks, backfill, http } = options
  const { db, press, board, profile } = parts
  const desk = openImportDesk({ pool: db.pool, db: db.kysely }, options.log)
  const zone = async () => (await profile()).zone ?? ''
  const watch = openAccessWatch(options.log)
  const app = await buildApp({
    imports: importOffice(db.kysely, { desk, zone }),
    ...webStores(db.kysely),
    billOrders: () => billOrders(db, options),
    queueAgain: (id) => queueAgain(db.kysely, { id, now: now() }),
    giveCommand: ({ device, what, askedBy }) => {
      const expires = shiftMs(now(), COMMAND_LIFE)
      return giveCommand(db.kysely, { device, what, askedBy, now: now(), expires })
    },
    now,
    random: nodeRandom,
    renderPdf: (id, viewer) => storedBillPdf({ db: db.kysely, press }, id, viewer),
    summary: () => readSummary(db.pool),
    clockFigures: servedClockFigures(db.pool, () => performance.now()),
    health: async () => {
      const up = await isUp(db.pool)
      return { ok: up, parts: { database: up ? 'up' : 'down' } }
    },
    metrics: serverMetrics(db.pool, watch),
    watch,
    backfill,
    inbox,
    attacks,
    baseUrl,
    trustedProxies,
    onRefusedConnection: (fault) => board.refused(null, fault, now()),
    demo,
    ...settingsPages(options, db),
  })
  app.addHook('onClose', () => desk.stop())
  try {
    await app.listen({ host: http.host, port: http.port })
  } catch (error) {
    await app.close()
    const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
    if (!taken) throw error
    throw new FaultError('OPS-03', `${http.host}:${http.port} (TICKLOCK_HTTP_PORT)`)
  }
  return app
}

/** What the settings and the page of a new slave need. */
function settingsPages({ utility, secrets, slaves, log }: BillingOptions, db: Db) {
  return {
    utilityEnvironment: utility,
    secrets,
    kept: openKeptSecrets(),
    tryMail: testMail,
    trySms: testSms,
    say: (line: string, fields: Fields) => log.info(line, fields),
    newDevice: async (name: string) => {
      const profile = await readUtility(db.kysely, utility)
      const { billedFrom } = profile
      return slaves.newDevice(db, {
        name,
        historyFrom: historyFrom(now(), zoneOf(profile), billedFrom),
      })
    },
    newToken: (device: string) => slaves.newToken(db, device),
    slaveDoor: slaves.door,
  }
}

/** The one-time link that creates the first operator; null when there is one. */
export async function firstSetupLink(
  billing: RunningBilling,
  baseUrl: string,
): Promise<string | null> {
  const { kysely } = billing.db
  if (await hasOperator(kysely)) return null
  return setupLink({ db: kysely, random: nodeRandom, baseUrl }, now())
}
