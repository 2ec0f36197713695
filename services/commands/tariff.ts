import { misused, subCommand } from './sub-command.ts'

export const tariff = subCommand({
  name: 'tariff',
  usage: 'ACTION [WHAT]',
  about: 'price lists; ACTION is one of',
  details: [
    ['publish FILE', 'check a document, say what changes, publish it; - is standard input'],
    ['list', 'every tariff with the version that holds today'],
    ['show CODE', 'the document that holds today'],
    ['--from DATE', 'its first day, the first of a month (this one if new, else the next)'],
    ['--why TEXT', 'the reason that is recorded'],
    ['--kwh NUMBER', 'a worked bill of its first month'],
    ['--dry-run', 'all of it, but publish nothing'],
    ['--anyway', 'publish in spite of warnings'],
  ],
  options: {
    from: { type: 'string' },
    why: { type: 'string' },
    kwh: { type: 'string' },
    'dry-run': { type: 'boolean' },
    anyway: { type: 'boolean' },
  },
  wordsMax: 2,
  run: async (values, [action = '', word]) => {
    const { listTariffs, publishFile, showTariff } = await import('./work/tariffs.ts')
    const { readSettings } = await import('../settings.ts')
    if (action !== 'publish' && Object.keys(values).length > 0) {
      throw misused(tariff, 'options belong to publish')
    }
    if (action === 'list' && word === undefined) {
      await listTariffs(readSettings(process.env))
    } else if (action === 'show' && word !== undefined) {
      await showTariff(readSettings(process.env), word)
    } else if (action === 'publish' && word !== undefined) {
      const { from = null, why = null, kwh = null, anyway = false } = values
      const dryRun = values['dry-run'] ?? false
      await publishFile(readSettings(process.env), { file: word, from, why, kwh, dryRun, anyway })
    } else {
      throw misused(tariff, 'publish FILE, list, or show CODE')
    }
  },
})
