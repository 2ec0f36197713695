import { SCHEDULE_SECONDS_MAX, SCHEDULE_SECONDS_MIN } from '../../shared/wire/limits.ts'
import { misused, subCommand } from './sub-command.ts'

export const command = subCommand({
  name: 'command',
  usage: 'DEVICE TASK',
  about: 'have a device do something; TASK is one of',
  details: [
    ['read-now [METER]', 'read one meter at once, or every one'],
    [
      'schedule METER SECONDS',
      `read a meter this often (${SCHEDULE_SECONDS_MIN} to ${SCHEDULE_SECONDS_MAX})`,
    ],
    ['sync-clock METER', "set a meter's clock"],
    ['--expires SECONDS', 'seconds the device has to begin it (3600)'],
  ],
  options: { expires: { type: 'string' } },
  wordsMax: 4,
  run: async ({ expires }, [device, ...task]) => {
    if (device === undefined) throw misused(command, 'a device and its task are missing')
    const { giveAndWait } = await import('./work/give-command.ts')
    const { readSettings } = await import('../settings.ts')
    await giveAndWait(readSettings(process.env), { device, task, expires })
  },
})
