import { misused, subCommand } from './sub-command.ts'

export const device = subCommand({
  name: 'device',
  usage: 'NAME',
  about: 'register a device and print its one-time enrolment token',
  details: [],
  options: {},
  wordsMax: 1,
  run: async (_options, [name]) => {
    if (name === undefined) throw misused(device, 'a name is missing')
    const { registerDevice } = await import('./work/devices.ts')
    const { readSettings } = await import('../settings.ts')
    await registerDevice(readSettings(process.env), name)
  },
})
