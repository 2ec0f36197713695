// `ticklock demo`: the whole way on one machine. A real head-end on a real PostgreSQL, a hundred
// simulated meters behind five real slave processes, a real SMTP server and SMS endpoint that keep
// what they get.

import { join } from 'node:path'
import type { DeviceId } from '../../shared/handover/sink.ts'
import type { Log } from '../../shared/node/log.ts'
import { nodeRandom } from '../../shared/node/node-suite.ts'
import { msToUs, type UnixMs, unixMs } from '../../shared/units.ts'
import { historyFrom, previousMonth, startOfDay } from '../billing/civil/calendar.ts'
import { setOperator } from '../billing/access/db/operators.ts'
import { firstCustomer } from '../billing/customers/db/reads.ts'
import { register } from '../billing/customers/db/registry.ts'
import { createDevice, listDevices } from '../billing/fleet/db/roster.ts'
import { readSummary } from '../billing/site/db/summary.ts'
import { counted } from '../billing/store/counters.ts'
import { publishTariff } from '../billing/tariffs/db/tariffs.ts'
import type { WebDeps } from '../billing/site/http/deps.ts'
import { customerLink } from '../billing/access/shell/links.ts'
import { createPasswords } from '../billing/access/shell/passwords.ts'
import { demoUtility } from './demo-utility.ts'
import { newToken } from '../enrolment-token.ts'
import { baseUrlOf, type HeadEnd, startHeadEnd } from '../head-end.ts'
import type { Settings } from '../settings.ts'
import { DEMO_TARIFF } from './demo-tariff.ts'
import { type Attacker, startAttacker } from './attacker.ts'
import { type Inbox, startInbox } from './inbox.ts'
import {
  crystalOf,
  DEMO_SLAVES,
  DEMO_ZONE,
  HELD_BILLS,
  type Home,
  homes,
  LIGHT_SLAVE,
  registrationOf,
} from './neighbourhood.ts'
import { simulatedClock } from './meter-clock.ts'
import { type SemBus, serveSemBus } from './sem-bus.ts'
import { type SlaveProcess, startSlaveProcess, writeSlaveConfig } from './slave-processes.ts'
import { upsetWhen } from './upset.ts'

/** Live readings of each meter, seconds. */
const EVERY_SECONDS = 5
const OPERATOR = 'operator'

export interface Demo {
  readonly url: string
  readonly operator: { readonly name: string; readonly password: string }
  readonly customerUrl: string | null
  readonly headEnd: HeadEnd
  readonly slaves: readonly SlaveProcess[]
  /** Once last month is billed, pulls a slave's clock three minutes ahead; `tell` receives what to
   * look at. */
  upsetClock(tell: (line: string) => void): void
  close(): Promise<void>
}

const now = (): UnixMs => unixMs(Date.now())

export async function startDemo(settings: Settings, log: Log): Promise<Demo> {
  const inbox = await startInbox({ now: () => Date.now() })
  const attacker = startAttacker()
  const closers: (() => Promise<void>)[] = [() => inbox.close(), () => attacker.close()]
  try {
    return await startParts(settings, log, { inbox, attacker }, closers)
  } catch (error) {
    await closeAll(closers)
    throw error
  }
}

async function closeAll(closers: (() => Promise<void>)[]): Promise<void> {
  for (const close of closers.splice(0).toReversed()) await close()
}

async function startParts(
  settings: Settings,
  log: Log,
  { inbox, attacker }: { readonly inbox: Inbox; readonly attacker: Attacker },
  closers: (() => Promise<void>)[],
): Promise<Demo> {
  const progress: { readings: () => Promise<number> } = { readings: async () => 0 }
  const headEnd = await startHeadEnd(settings, {
    utility: demoUtility(inbox, baseUrlOf(settings)),
    inbox,
    attacks: attacker,
    backfill: async () => backfillOf(await progress.readings()),
    demo: true,
    log,
  })
  closers.push(() => headEnd.close())
  const { db } = headEnd.billing
  progress.readings = () => counted(db.kysely, 'readings')
  const { devices, tokens } = await furnish(headEnd)
  const buses = await serveMeters(closers)
  const slaves = buses.map((bus, index) =>
    startSlave(settings, { index, bus, token: tokens[index] ?? null }),
  )
  // Closed first: the slaves stop while their master still answers.
  closers.push(async () => {
    await Promise.all(slaves.map((slave) => slave.stop()))
  })
  log.info('neighbourhood runs', { meters: homes().length, slaves: devices.length })
  const url = baseUrlOf(settings)
  const customer = await firstCustomer(db.kysely)
  const source = { db: db.kysely, random: nodeRandom, baseUrl: url }
  return {
    url,
    operator: await openOperator(headEnd),
    customerUrl: customer === null ? null : await customerLink(source, customer, now()),
    headEnd,
    slaves,
    upsetClock: (tell) => {
      const [, slave] = slaves
      if (slave === undefined) throw new Error('broken promise: the demo has five slaves')
      const billed = async () => (await readSummary(db.pool)).bills >= homes().length - HELD_BILLS
      const page = `${url}/fleet/${devices[1]}`
      const line = `${slaveName(1)}: its clock was just pulled 3 minutes ahead. Look at ${page}:`
      const story =
        'SEC-02 refuses what is ahead, CLK-08 and CLK-06 bring it back, nothing is lost.'
      const giveUp = upsetWhen(billed, slave, () => tell(`${line} ${story}`))
      closers.push(async () => giveUp())
    },
    close: () => closeAll(closers),
  }
}

const slaveName = (index: number): string => `Demo slave ${index + 1}`

/** Makes devices, tokens for those not enrolled yet, tariff and customers; a second start changes
 * none of them. */
async function furnish(
  headEnd: HeadEnd,
): Promise<{ readonly devices: readonly DeviceId[]; readonly tokens: readonly (string | null)[] }> {
  const { billing, keys, master } = headEnd
  const { kysely, pool } = billing.db
  const known = new Map((await listDevices(kysely)).map((device) => [device.name, device]))
  const devices: DeviceId[] = []
  const tokens: (string | null)[] = []
  for (let index = 0; index < DEMO_SLAVES; index += 1) {
    const name = slaveName(index)
    const found = known.get(name)
    const device =
      found?.id ??
      (await createDevice(kysely, {
        id: nodeRandom(8),
        name,
        historyFrom: historyFrom(now(), DEMO_ZONE),
      }))
    devices.push(device)
    if (found !== undefined && found.staticKey !== null) {
      tokens.push(null)
      continue
    }
    tokens.push(await newToken(billing.db, keys, device, now()))
  }
  await publishTariff(kysely, { document: DEMO_TARIFF, validFrom: '2024-01-01', now: now() })
  await register(
    pool,
    registrationOf(
      devices,
      startOfDay('2024-01-01', DEMO_ZONE),
      previousMonth(now(), DEMO_ZONE).from,
    ),
  )
  await master.refresh()
  return { devices, tokens }
}

async function serveMeters(closers: (() => Promise<void>)[]): Promise<readonly SemBus[]> {
  const all = homes()
  const buses: SemBus[] = []
  const startedAt = msToUs(now())
  const clocks = new Map(
    all.map(({ meter }, index) => {
      return [meter.number, simulatedClock({ ...crystalOf(index), startedAt })] as const
    }),
  )
  for (let slave = 0; slave < DEMO_SLAVES; slave += 1) {
    const meters = all.filter((home) => home.slave === slave).map((home) => home.meter)
    const bus = await serveSemBus({ meters, now, clocks })
    closers.push(() => bus.close())
    buses.push(bus)
  }
  return buses
}

function startSlave(
  settings: Settings,
  part: { readonly index: number; readonly bus: SemBus; readonly token: string | null },
): SlaveProcess {
  const { index, bus, token } = part
  const { tcpPort, wsPort, dataFolder } = settings
  const name = `slave-${index + 1}`
  const folder = join(dataFolder, 'slaves', name)
  const master = index % 2 === 0 ? `tcp://127.0.0.1:${tcpPort}` : `ws://127.0.0.1:${wsPort}/`
  const file = writeSlaveConfig({
    name,
    folder,
    master,
    token,
    line: bus.url,
    meters: homes()
      .filter((home) => home.slave === index)
      .map((home) => home.meter.number),
    everySeconds: EVERY_SECONDS,
    clock: index === LIGHT_SLAVE ? 'light' : 'watch',
  })
  return startSlaveProcess(name, file, join(folder, 'log.jsonl'))
}

/** Sets a fresh password at every start of the demo, shown once on the first screen. */
async function openOperator(headEnd: HeadEnd): Promise<{ name: string; password: string }> {
  const password = Buffer.from(nodeRandom(12)).toString('base64url')
  const hash = await createPasswords().hash(password, nodeRandom(16))
  await setOperator(headEnd.billing.db.kysely, { name: OPERATOR, password: hash })
  return { name: OPERATOR, password }
}

/** Progress of the back-fill in rows: all meters from the first of last month until now. */
function backfillOf(readings: number): Awaited<ReturnType<WebDeps['backfill']>> {
  const from = historyFrom(now(), DEMO_ZONE)
  const rowsOf = ({ meter: { interval } }: Home): number =>
    Math.floor((now() - from) / interval) + 1
  const total = homes().reduce((rows, home) => rows + rowsOf(home), 0)
  return readings >= total ? null : { done: readings, total, from }
}
