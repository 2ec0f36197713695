// Commands to devices: issued by operators, sent by masters, kept for ever with their receipts.

import { type Kysely, type Transaction, sql } from 'kysely'
import type { Commands } from '../../../../shared/handover/commands.ts'
import type { DeviceId } from '../../../../shared/handover/sink.ts'
import { isMeterNumber } from '../../../../shared/meter/reading.ts'
import { spanMs, type UnixMs } from '../../../../shared/units.ts'
import { SCHEDULE_SECONDS_MAX, SCHEDULE_SECONDS_MIN } from '../../../../shared/wire/limits.ts'
import type { CommandTask } from '../../../../shared/wire/commands.ts'
import type { CommandRow } from '../core/views.ts'
import { count, counted } from '../../store/counters.ts'
import { instant, instantOrNull } from '../../store/instants.ts'
import type { Database } from '../../store/schema.ts'

type Db = Kysely<Database>

/** How long a command may be started, by default: while the operator still waits for it. */
export const COMMAND_LIFE = spanMs(3_600_000)
/** Commands without a receipt, per device: one goes out at a time, more would be a flood. */
const OPEN_MAX = 100

/** Tells every master to look again, when the transaction it is part of commits. */
async function bump(tx: Transaction<Database>): Promise<void> {
  await count(tx, 'commands')
}

interface IssuedCommand {
  readonly device: DeviceId
  readonly what: CommandTask
  /** Who issued it, for the audit trail. */
  readonly askedBy: string
  readonly now: UnixMs
  readonly expires: UnixMs
}

export type CommandVerdict =
  | { readonly ok: true; readonly number: number }
  | { readonly ok: false; readonly fault: 'SEC-01' | 'SEC-14' | 'OPS-18' }

/** Issues a command. SEC-01 no such device, SEC-14 it is revoked, OPS-18 too many wait. */
export async function giveCommand(db: Db, command: IssuedCommand): Promise<CommandVerdict> {
  const { device, what, askedBy, now, expires } = command
  return db.transaction().execute(async (tx) => {
    const owner = await tx
      .selectFrom('devices')
      .select('revoked_at')
      .where('id', '=', device)
      .forUpdate()
      .executeTakeFirst()
    if (owner === undefined) return { ok: false, fault: 'SEC-01' }
    if (owner.revoked_at !== null) return { ok: false, fault: 'SEC-14' }
    const before = await tx
      .selectFrom('commands')
      .select((is) => [
        is.fn.max<number | null>('number').as('last'),
        is.fn.countAll<number>().filterWhere('outcome', 'is', null).as('open'),
      ])
      .where('device_id', '=', device)
      .executeTakeFirstOrThrow()
    if (before.open >= OPEN_MAX) return { ok: false, fault: 'OPS-18' }
    const number = Math.max((before.last ?? 0) + 1, now)
    await tx
      .insertInto('commands')
      .values({
        device_id: device,
        number,
        what: JSON.stringify(storedTask(what)),
        asked_by: askedBy,
        created_at: new Date(now),
        expires_at: new Date(expires),
      })
      .execute()
    await bump(tx)
    return { ok: true, number }
  })
}

/** The commands as masters see them. */
export function openCommands(db: Db, now: () => UnixMs): Commands {
  return {
    revision: () => counted(db, 'commands'),
    async open() {
      const rows = await db
        .selectFrom('commands')
        .distinctOn('device_id')
        .select(['device_id', 'number', 'what', 'expires_at'])
        .where('outcome', 'is', null)
        .orderBy('device_id')
        .orderBy('number')
        .execute()
      return rows.flatMap((row) => {
        const what = taskOf(row.what)
        // One that is not understood here waits, as its device's page says; the others go out.
        if (what === null) return []
        const { device_id: device, number } = row
        return [{ device, number, expires: instant(row.expires_at), what }]
      })
    },
    async sent(device, number) {
      await db
        .updateTable('commands')
        .set({ sent_at: new Date(now()) })
        .where('device_id', '=', device)
        .where('number', '=', number)
        .where('sent_at', 'is', null)
        .where('outcome', 'is', null)
        .execute()
    },
    receipt: (device, { number, outcome, detail }) =>
      db.transaction().execute(async (tx) => {
        await tx
          .updateTable('commands')
          .set({
            outcome,
            detail,
            receipt_at: new Date(now()),
            // Its notification may still be on the way.
            sent_at: sql`coalesce(sent_at, ${new Date(now())})`,
          })
          .where('device_id', '=', device)
          .where('number', '=', number)
          .where('outcome', 'is', null)
          .execute()
        await bump(tx)
      }),
  }
}

/** A task as the column `what` has held it since the first migration, its name under "order". */
const storedTask = ({ task, ...fields }: CommandTask): object => ({ order: task, ...fields })

/** Reads what `storedTask` wrote; null: a row that a newer program wrote, or a damaged one. */
function taskOf(what: unknown): CommandTask | null {
  const field = (name: string): unknown =>
    typeof what === 'object' && what !== null ? Reflect.get(what, name) : undefined
  const task = field('order')
  const meter = field('meter')
  if (task === 'read-now' && meter === null) return { task, meter }
  if (typeof meter === 'string' && isMeterNumber(meter)) {
    if (task === 'read-now' || task === 'sync-clock') return { task, meter }
    const seconds = field('seconds')
    if (task === 'schedule' && isSchedule(seconds)) return { task, meter, seconds }
  }
  return null
}

/** Seconds between two readings that a command may set. */
export const isSchedule = (seconds: unknown): seconds is number =>
  typeof seconds === 'number' &&
  Number.isInteger(seconds) &&
  seconds >= SCHEDULE_SECONDS_MIN &&
  seconds <= SCHEDULE_SECONDS_MAX

const commandRows = (db: Db, device: DeviceId) =>
  db.selectFrom('commands').selectAll().where('device_id', '=', device)

type CommandRecord = Awaited<ReturnType<ReturnType<typeof commandRows>['execute']>>[number]

const commandRow = (row: CommandRecord): CommandRow => ({
  number: row.number,
  what: taskOf(row.what),
  askedBy: row.asked_by,
  createdAt: instant(row.created_at),
  expiresAt: instant(row.expires_at),
  sentAt: instantOrNull(row.sent_at),
  outcome: row.outcome,
  detail: row.detail,
  receiptAt: instantOrNull(row.receipt_at),
})

/** The newest commands of a device. */
export async function lastCommands(
  db: Db,
  device: DeviceId,
  limit: number,
): Promise<readonly CommandRow[]> {
  const rows = await commandRows(db, device).orderBy('number', 'desc').limit(limit).execute()
  return rows.map(commandRow)
}

/** One command as it is now; null: no command has that number. */
export async function findCommand(
  db: Db,
  device: DeviceId,
  number: number,
): Promise<CommandRow | null> {
  const row = await commandRows(db, device).where('number', '=', number).executeTakeFirst()
  return row === undefined ? null : commandRow(row)
}
