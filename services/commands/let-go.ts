import { misused, subCommand } from './sub-command.ts'

export const letGo = subCommand({
  name: 'let-go',
  usage: 'DEVICE [EPOCH]',
  about: 'list the closed key epochs of a device that are not drained, or destroy the keys of one',
  details: [
    ['DEVICE', 'list them: since when, named when, in doubt or not'],
    ['DEVICE EPOCH', 'destroy the keys of this one: what its slave still holds is lost'],
    ['DEVICE doubtful', 'the same for every one in doubt'],
    ['--reason TEXT', 'why, for the exceptions; needed to destroy'],
  ],
  options: { reason: { type: 'string' } },
  wordsMax: 2,
  run: async ({ reason }, [device, epoch]) => {
    if (device === undefined) throw misused(letGo, 'the name or id of a device is missing')
    if (epoch !== undefined && (reason ?? '').trim() === '') {
      throw misused(letGo, '--reason is missing: it is kept with the exception')
    }
    const { letGoOf, printClosed } = await import('./work/closed-epochs.ts')
    const { readSettings } = await import('../settings.ts')
    const settings = readSettings(process.env)
    if (epoch === undefined) await printClosed(settings, device)
    else await letGoOf(settings, device, { epoch, reason: (reason ?? '').trim() })
  },
})
