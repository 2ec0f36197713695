import { subCommand } from './sub-command.ts'

export const clock = subCommand({
  name: 'clock',
  usage: '[DEVICE]',
  about: 'how right the clocks are: head-end, its sources, slaves; of a device its meters',
  details: [['--json', 'for programs']],
  options: { json: { type: 'boolean' } },
  wordsMax: 1,
  run: async ({ json = false }, [device]) => {
    const { printClocks } = await import('./work/clock-report.ts')
    const { readSettings } = await import('../settings.ts')
    await printClocks(readSettings(process.env), device ?? null, json)
  },
})
