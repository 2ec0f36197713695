import { misused, subCommand } from './sub-command.ts'

export const rotateKey = subCommand({
  name: 'rotate-key',
  usage: '',
  about: 'make a new static key of the head-end; devices go over to it',
  details: [
    ['--status', 'only say which devices have not gone over'],
    ['--give-up-old', 'only destroy the old key, even if devices still need it'],
  ],
  options: { status: { type: 'boolean' }, 'give-up-old': { type: 'boolean' } },
  wordsMax: 0,
  run: async ({ status = false, 'give-up-old': giveUp = false }) => {
    if (status && giveUp) throw misused(rotateKey, '--status and --give-up-old exclude each other')
    const { giveUpOldKey, makeNewKey, printRotation } = await import('./work/rotation.ts')
    const { readSettings } = await import('../settings.ts')
    const settings = readSettings(process.env)
    if (status) await printRotation(settings)
    else if (giveUp) giveUpOldKey(settings)
    else makeNewKey(settings)
  },
})
