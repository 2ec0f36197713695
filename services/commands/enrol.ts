import { misused, subCommand } from './sub-command.ts'

export const enrol = subCommand({
  name: 'enrol',
  usage: 'FILE.csv',
  about: 'register many devices (name[,history_from]); their tokens go to a file',
  details: [
    ['--out FILE', 'where the tokens go; otherwise beside FILE.csv, as FILE.tokens.csv'],
    ['--labels FILE.html', 'a page of labels to print'],
    ['--encoding NAME', 'of FILE.csv where it is not UTF-8: windows-1252, utf-16le ...'],
    ['--skip-existing', 'leave out names that exist instead of refusing the file'],
  ],
  options: {
    out: { type: 'string' },
    labels: { type: 'string' },
    encoding: { type: 'string' },
    'skip-existing': { type: 'boolean' },
  },
  wordsMax: 1,
  run: async (options, [file]) => {
    if (file === undefined) throw misused(enrol, 'a file is missing')
    const { enrolList } = await import('./work/enrolment.ts')
    const { readSettings } = await import('../settings.ts')
    const list = { path: file, encoding: options.encoding ?? null }
    await enrolList(readSettings(process.env), list, {
      out: options.out ?? `${file.replace(/\.csv$/i, '')}.tokens.csv`,
      labels: options.labels ?? null,
      skipExisting: options['skip-existing'] ?? false,
    })
  },
})
