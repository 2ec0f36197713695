import { misused, subCommand } from './sub-command.ts'

export const setAside = subCommand({
  name: 'set-aside',
  usage: 'DEVICE',
  about: 'what a device sealed no longer counts, for bills, usage and last values',
  details: [
    ['--from TIME', 'when it was stolen, with its zone: 2026-11-30T12:00:00Z'],
    ['--to TIME', 'until when (without an end)'],
    ['--reason TEXT', 'why; it is shown with the device'],
    ['--lift NUMBER', 'without --from: this range counts again'],
  ],
  options: {
    from: { type: 'string' },
    to: { type: 'string' },
    reason: { type: 'string' },
    lift: { type: 'string' },
  },
  wordsMax: 1,
  run: async ({ from, to, reason = '', lift }, [device]) => {
    if (device === undefined) throw misused(setAside, 'the name or id of a device is missing')
    if (reason.trim() === '') throw misused(setAside, 'a reason is missing')
    const { liftByNumber, setAsideByName } = await import('./work/standing.ts')
    const { readSettings } = await import('../settings.ts')
    const settings = readSettings(process.env)
    if (lift !== undefined) {
      if (from !== undefined || to !== undefined)
        throw misused(setAside, '--lift goes without --from and --to')
      await liftByNumber(settings, { device, number: lift, reason })
      return
    }
    if (from === undefined) throw misused(setAside, '--from is missing')
    await setAsideByName(settings, { device, from, to: to ?? null, reason })
  },
})
