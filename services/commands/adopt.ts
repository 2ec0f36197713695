import { misused, subCommand } from './sub-command.ts'

export const adopt = subCommand({
  name: 'adopt',
  usage: 'METER [DEVICE]',
  about: 'say which device reads a meter (the one that reported it first); then it is billed',
  details: [],
  options: {},
  wordsMax: 2,
  run: async (_options, [meter, device]) => {
    if (meter === undefined) throw misused(adopt, 'the number of a meter is missing')
    const { adoptByName } = await import('./work/standing.ts')
    const { readSettings } = await import('../settings.ts')
    await adoptByName(readSettings(process.env), { meter, device: device ?? null })
  },
})
