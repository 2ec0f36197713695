import { z } from 'zod'
import { CHECKSUMS } from '../../../../../shared/meter/crc16.ts'
import { meterProtocol } from '../protocol.ts'
import { openDsmrLine } from './driver.ts'

/** The name of a P1 meter leaves room for `.4`, the meters behind it. */
const NAME_MAX = 30

export const dsmr = meterProtocol({
  name: 'dsmr',
  title: 'P1 port',
  settings: {
    /** Take telegrams without a checksum, marked so. */
    allow_unchecked: z.boolean().default(false),
    /** The checksum that the meter computes where it is not the protocol's; marked so. */
    checksum: z.enum(CHECKSUMS.map(({ name }) => name)).default('arc'),
    /** The number printed on the meter, to be compared with each telegram. */
    equipment_id: z.string().min(1).max(96).optional(),
  },
  can: { poll: false, push: true, profile: null, clockRead: true, clockSet: false, events: false },
  civilTime: true,
  refuse([meter = '', ...others]) {
    if (others.length > 0) return 'a P1 port has one meter'
    if (meter.length > NAME_MAX) return `the name of a P1 meter has at most ${NAME_MAX} characters`
    return null
  },
  open({ url, address, meters: [meter = ''], standardOffsetMinutes, settings }, onEvent, clock) {
    const { allow_unchecked: allowUnchecked, equipment_id: equipmentId = null } = settings
    const { checksum } = settings
    const line = { url, address, meter, standardOffsetMinutes }
    return openDsmrLine({ ...line, allowUnchecked, checksum, equipmentId }, onEvent, clock)
  },
})
