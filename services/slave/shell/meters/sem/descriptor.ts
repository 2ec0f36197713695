import { z } from 'zod'
import { meterProtocol } from '../protocol.ts'
import { openSemLine } from './driver.ts'

export const sem = meterProtocol({
  name: 'sem',
  title: 'SEM line',
  settings: {
    /** Take readings without a checksum, marked so. */
    allow_unchecked: z.boolean().default(false),
    /** Means nothing to a SEM, but files that name it have always been accepted. */
    equipment_id: z.string().min(1).max(96).optional(),
  },
  can: { poll: true, push: true, profile: 15, clockRead: true, clockSet: true, events: false },
  civilTime: false,
  open: ({ url, address, meters, settings }, onEvent, clock) =>
    openSemLine({ url, address, meters, allowUnchecked: settings.allow_unchecked }, onEvent, clock),
})
