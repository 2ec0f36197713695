// A customer's own readings: of the meters where they are supplied, and of no others.

import type { FastifyInstance } from 'fastify'
import type { UnixMs } from '../../../../shared/units.ts'
import { type Door, field, query, smallRowId, type Visit } from '../../kit/door.ts'
import type { FormState } from '../../kit/form.ts'
import { NOT_FOUND } from '../../kit/trouble.ts'
import type { ManualMeterView } from '../core/manual-views.ts'
import type { ManualStore } from '../db/manual-store.ts'
import { OwnReadingsPage } from '../pages/own-readings.tsx'
import { blankEntry, readEntry, registerChoices } from './manual-entry.ts'
import { byHand } from './manual-routes.ts'
import { refusedEntry } from './refused-entry.ts'

export interface OwnReadingDeps {
  readonly manual: Pick<ManualStore, 'ofCustomer' | 'own' | 'enter'>
  readonly now: () => UnixMs
}

/** Readings that one address may send in a minute: a person who mistypes, ten times over. */
const SENT_PER_MINUTE = 20
const LIMITED = { config: { rateLimit: { max: SENT_PER_MINUTE, timeWindow: '1 minute' } } }

/** How the record names a customer; by the id, which stays. */
const nameOf = (customer: number): string => `customer ${customer}`

export function ownReadingRoutes(app: FastifyInstance, deps: OwnReadingDeps, page: Door): void {
  const { manual, now } = deps
  const show = async (
    { context, viewer, request }: Visit,
    meters: readonly ManualMeterView[],
    filled: {
      readonly meter: ManualMeterView
      readonly form: FormState
      readonly warnings: readonly string[]
    } | null,
  ) => {
    const entry = filled === null ? null : { ...filled, registers: registerChoices(filled.meter) }
    const rows = await manual.own(nameOf(viewer.id))
    const isStored = query(request, 'done') === 'entered'
    return OwnReadingsPage({ context, meters, entry, rows, isStored })
  }
  app.get(
    '/home/readings',
    page(async (visit) => {
      const meters = await manual.ofCustomer(visit.viewer.id)
      const wanted = smallRowId(query(visit.request, 'meter'))
      const meter = meters.find(({ id }) => id === wanted) ?? meters[0]
      if (meter === undefined) return { page: await show(visit, meters, null) }
      const filled = { meter, form: blankEntry(meter, now()), warnings: [] }
      return { page: await show(visit, meters, filled) }
    }),
  )
  app.post(
    '/home/readings',
    LIMITED,
    page(async (visit) => {
      const { request, viewer } = visit
      const meters = await manual.ofCustomer(viewer.id)
      const wanted = smallRowId(field(request, 'meter'))
      const meter = meters.find(({ id }) => id === wanted)
      // Somebody else's meter looks like one that does not exist.
      if (meter === undefined) return { trouble: NOT_FOUND }
      const read = readEntry(request, meter, now())
      const { values } = read
      if (!read.ok) {
        const form = { values, errors: read.errors }
        return { status: 422, page: await show(visit, meters, { meter, form, warnings: [] }) }
      }
      const entry = { ...read.reading, meterId: meter.id, kind: 'customer', now: now() } as const
      const entered = await manual.enter(byHand(nameOf(viewer.id), 'own reading'), entry)
      if (entered.is === 'done') return { to: `/home/readings?meter=${meter.id}&done=entered` }
      const { errors, warnings } = refusedEntry(entered, read.reading)
      const form = { values, errors }
      return { status: 422, page: await show(visit, meters, { meter, form, warnings }) }
    }),
  )
}
