import { misused, subCommand } from './sub-command.ts'

export const revoke = subCommand({
  name: 'revoke',
  usage: 'DEVICE',
  about: 'revoke a device; its link is cut within two seconds',
  details: [
    ['--stolen-since TIME', 'also set aside what it sealed since: 2026-11-30T12:00:00Z'],
    ['--reason TEXT', 'why that is set aside'],
  ],
  options: { 'stolen-since': { type: 'string' }, reason: { type: 'string' } },
  wordsMax: 1,
  run: async ({ 'stolen-since': since, reason = '' }, [name]) => {
    if (name === undefined) throw misused(revoke, 'the name or id of a device is missing')
    if ((since === undefined) !== (reason.trim() === '')) {
      throw misused(revoke, '--stolen-since and --reason go together')
    }
    const { revokeByName } = await import('./work/devices.ts')
    const { readSettings } = await import('../settings.ts')
    await revokeByName(
      readSettings(process.env),
      name,
      since === undefined ? null : { since, reason },
    )
  },
})
