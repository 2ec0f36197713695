// Meters and registers that many lines of an import bring at once. Each `source` is a query of the
// importer's over its staged lines; what is written, and that it is recorded, is decided here.

import type { PoolClient } from 'pg'
import { type Author, writeRecorded } from '../../store/changes.ts'

/** `source`: (number, make, medium, digits, multiplier, billed_by) of new meters. A number that
 * somebody took meanwhile is left out; returns how many were added. */
export const addMeters = (client: PoolClient, author: Author, source: string): Promise<number> =>
  writeRecorded(
    client,
    { ...author, what: 'meter' },
    {
      made: `insert into meters (number, make, medium, digits, multiplier, billed_by) ${source}
     on conflict (number) do nothing
     returning id, null::jsonb as before, jsonb_build_object('number', number, 'make', make,
       'medium', medium, 'digits', digits, 'multiplier', multiplier,
       'billed_by', array_to_string(billed_by, ' ')) as after`,
    },
  )

/** `source`: (id, version, before, make, medium, digits, multiplier, billed_by) of meters to
 * change, each only in that version; returns how many were. */
export const changeMeters = (client: PoolClient, author: Author, source: string): Promise<number> =>
  writeRecorded(
    client,
    { ...author, what: 'meter' },
    {
      made: `update meters m set make = s.make, medium = s.medium, digits = s.digits,
       multiplier = s.multiplier, billed_by = s.billed_by, version = m.version + 1
     from (${source}) s where m.id = s.id and m.version = s.version
     returning m.id, s.before, jsonb_build_object('number', m.number, 'make', m.make,
       'medium', m.medium, 'digits', m.digits, 'multiplier', m.multiplier,
       'billed_by', array_to_string(m.billed_by, ' ')) as after`,
    },
  )

/** Adopts meters that one device alone has reported, for that device. `source`: (id) of meters that
 * an operator says hang somewhere. Where several devices report one, a person has to say whose it
 * is. Taking the import back leaves this: the device goes on reading it. */
export const adoptReported = (
  client: PoolClient,
  author: Author,
  source: string,
): Promise<number> =>
  writeRecorded(
    client,
    { ...author, importId: null, what: 'meter' },
    {
      made: `update meters m set adopted_at = now(), adopted_by = $1
     from (${source}) s where m.id = s.id and m.adopted_at is null and m.device_id is not null
       and not exists (select from rival_readings r where r.meter_id = m.id)
     returning m.id,
       jsonb_build_object('number', m.number, 'device', m.device_id, 'adopted_by', null) as before,
       jsonb_build_object('number', m.number, 'device', m.device_id, 'adopted_by', m.adopted_by)
         as after`,
    },
  )

/** `source`: (meter_id, obis, unit, ts, value, exponent, kind, photo, note); approved at once,
 * because the operator who imports them answers for them. Returns how many were added. */
export const addApproved = (client: PoolClient, author: Author, source: string): Promise<number> =>
  writeRecorded(
    client,
    { ...author, what: 'manual reading' },
    {
      made: `insert into manual_readings (meter_id, obis, unit, ts, value, exponent, kind, photo,
        note,
       state, entered_by, decided_at, decided_by, decided_why)
     select meter_id, obis, unit, ts, value, exponent, kind, photo, note, 'approved', $1, now(), $1,
       $2 from (${source}) s
     on conflict (meter_id, obis, ts) where state = 'approved' do nothing
     returning id, null::jsonb as before, jsonb_build_object('meter', meter_id, 'obis', obis,
       'at', ts, 'value', value, 'exponent', exponent, 'unit', unit, 'kind', kind) as after`,
    },
  )

/** Takes back meters that an import added; `source`: (id, before). A foreign key refuses the rest.
 * */
export const removeMeters = (client: PoolClient, author: Author, source: string): Promise<number> =>
  writeRecorded(
    client,
    { ...author, what: 'meter' },
    {
      made: `delete from meters m using (${source}) s where m.id = s.id
     returning m.id, s.before, null::jsonb as after`,
    },
  )

/** Takes back readings that an import approved; `source`: (id, before). */
export const removeApproved = (
  client: PoolClient,
  author: Author,
  source: string,
): Promise<number> =>
  writeRecorded(
    client,
    { ...author, what: 'manual reading' },
    {
      made: `delete from manual_readings m using (${source}) s where m.id = s.id
     returning m.id, s.before, null::jsonb as after`,
    },
  )
