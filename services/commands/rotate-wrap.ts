import { subCommand } from './sub-command.ts'

export const rotateWrap = subCommand({
  name: 'rotate-wrap',
  usage: '',
  about: 'wrap all key trees anew now (it happens hourly by itself)',
  details: [
    [
      '--accept-unbound',
      'only let the next start take secrets that are bound to no row (a restored old backup)',
    ],
  ],
  options: { 'accept-unbound': { type: 'boolean' } },
  wordsMax: 0,
  run: async ({ 'accept-unbound': unbound = false }) => {
    const { acceptUnbound, wrapAnew } = await import('./work/rotation.ts')
    const { readSettings } = await import('../settings.ts')
    const settings = readSettings(process.env)
    if (unbound) acceptUnbound(settings)
    else await wrapAnew(settings)
  },
})
