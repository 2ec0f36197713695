import { subCommand } from './sub-command.ts'

export const rotateWrap = subCommand({
  name: 'rotate-wrap',
  usage: '',
  about: 'wrap all key trees anew now (it happens hourly by itself)',
  details: [],
  options: {},
  wordsMax: 0,
  run: async () => {
    const { wrapAnew } = await import('./work/rotation.ts')
    const { readSettings } = await import('../settings.ts')
    await wrapAnew(readSettings(process.env))
  },
})
