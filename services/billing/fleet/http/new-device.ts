// A new slave: its name, then its token and whether it has arrived.
//
// The token leaves the server once. Between the form and the page that shows it, it is kept in
// memory for the operator who made it (access/shell/kept-secrets.ts), so that the page can be
// looked at again while the slave is set up.

import type { FastifyInstance } from 'fastify'
import type { UnixMs } from '../../../../shared/units.ts'
import type { KeptSecrets } from '../../access/shell/kept-secrets.ts'
import { type Door, isDeviceId, param } from '../../kit/door.ts'
import { EMPTY_FORM, readForm } from '../../kit/form.ts'
import { NOT_FOUND } from '../../kit/trouble.ts'
import { deviceName, NAME_RULE } from '../core/device-name.ts'
import type { SlaveDoor } from '../core/views.ts'
import type { FleetReads } from '../db/reads.ts'
import { NewDevicePage, TokenPage } from '../pages/new-device.tsx'

export interface NewDeviceDeps {
  readonly fleet: Pick<FleetReads, 'device'>
  readonly kept: KeptSecrets
  /** Makes a device and its token; null: there is one of this name. */
  readonly newDevice: (
    name: string,
  ) => Promise<{ readonly device: string; readonly token: string } | null>
  /** Makes another token for a device. */
  readonly newToken: (device: string) => Promise<string>
  readonly slaveDoor: SlaveDoor
  readonly now: () => UnixMs
}

const about = (device: string): string => `token ${device}`

export function newDeviceRoutes(app: FastifyInstance, deps: NewDeviceDeps, page: Door): void {
  const { fleet, kept, slaveDoor: door, now } = deps
  const keep = (operator: number, device: string, token: string): { to: string } => {
    kept.keep(operator, about(device), new Uint8Array(Buffer.from(token, 'latin1')))
    return { to: `/fleet/${device}/token` }
  }
  app.get(
    '/fleet/new',
    page(async ({ context }) => ({ page: NewDevicePage({ context, form: EMPTY_FORM }) })),
  )
  app.post(
    '/fleet/new',
    page(async ({ context, request, viewer }) => {
      const values = readForm(request, ['name'])
      const again = (error: string) => ({
        status: 422 as const,
        page: NewDevicePage({ context, form: { values, errors: { name: error } } }),
      })
      const name = deviceName(values.name)
      if (name === null) return again(NAME_RULE)
      const made = await deps.newDevice(name)
      if (made === null) return again('there is a device of this name: choose another')
      return keep(viewer.id, made.device, made.token)
    }),
  )
  app.get(
    '/fleet/:id/token',
    page(async ({ context, request, viewer }) => {
      const id = param(request, 'id')
      const view = isDeviceId(id) ? await fleet.device(id, now()) : null
      if (view === null) return { trouble: NOT_FOUND }
      // Used: there is nothing left to show.
      if (view.device.enrolled && !view.device.revoked) kept.forget(viewer.id, about(id))
      const bytes = kept.copy(viewer.id, about(id))
      const token = bytes === null ? null : Buffer.from(bytes).toString('latin1')
      bytes?.fill(0)
      return {
        page: TokenPage({ context, view, token, door, host: request.hostname, now: now() }),
      }
    }),
  )
  app.post(
    '/fleet/:id/token',
    page(async ({ request, viewer }) => {
      const id = param(request, 'id')
      const view = isDeviceId(id) ? await fleet.device(id, now()) : null
      if (view === null) return { trouble: NOT_FOUND }
      return keep(viewer.id, id, await deps.newToken(id))
    }),
  )
}
