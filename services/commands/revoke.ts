import { misused, subCommand } from './sub-command.ts'

export const revoke = subCommand({
  name: 'revoke',
  usage: 'DEVICE',
  about: 'revoke a device; its link is cut within two seconds',
  details: [],
  options: {},
  wordsMax: 1,
  run: async (_options, [name]) => {
    if (name === undefined) throw misused(revoke, 'the name or id of a device is missing')
    const { revokeByName } = await import('./work/devices.ts')
    const { readSettings } = await import('../settings.ts')
    await revokeByName(readSettings(process.env), name)
  },
})
