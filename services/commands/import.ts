import { misused, subCommand } from './sub-command.ts'

export const importFile = subCommand({
  name: 'import',
  usage: 'FILE.csv',
  about: 'import customers, service points, meters, contracts, readings from a CSV file',
  details: [
    ['--kind KIND', 'flat, customers, service-points, meters, installations, contracts, readings'],
    ['--dry-run', 'say what would be new, changed, equal and refused, and write nothing'],
    ['--delimiter MARK', 'comma, semicolon or tab, where the header line misleads'],
    ['--encoding NAME', 'utf-8 (usual), windows-1252, utf-16le or utf-16be'],
    ['--decimal MARK', 'point or comma'],
    ['--dates ORDER', 'day or month: what stands first in 05/06/2026'],
    ['--zone NAME', 'of new service points whose line names none'],
    ['--refused FILE', 'writes the refused lines there, with a reason behind each'],
  ],
  options: {
    kind: { type: 'string' },
    'dry-run': { type: 'boolean' },
    delimiter: { type: 'string' },
    encoding: { type: 'string' },
    decimal: { type: 'string' },
    dates: { type: 'string' },
    zone: { type: 'string' },
    refused: { type: 'string' },
  },
  wordsMax: 1,
  run: async (options, [file]) => {
    if (file === undefined) throw misused(importFile, 'a file is missing')
    const { importByCommand, readImportOptions } = await import('./work/import-file.ts')
    const read = readImportOptions(options)
    if (!read.ok) throw misused(importFile, read.wrong)
    const { readSettings } = await import('../settings.ts')
    await importByCommand(readSettings(process.env), file, read.order)
  },
})
