import { misused, subCommand } from './sub-command.ts'

export const enrol = subCommand({
  name: 'enrol',
  usage: 'FILE.csv',
  about: 'register many devices (name[,history_from]); their tokens go to a file',
  details: [
    ['--out FILE', 'where the tokens go; otherwise beside FILE.csv, as FILE.tokens.csv'],
    ['--labels FILE.html', 'a page of labels to print'],
    ['--skip-existing', 'leave out names that exist instead of refusing the file'],
  ],
  options: {
    out: { type: 'string' },
    labels: { type: 'string' },
    'skip-existing': { type: 'boolean' },
  },
  wordsMax: 1,
  run: async (options, [file]) => {
    if (file === undefined) throw misused(enrol, 'a file is missing')
    const { enrolList } = await import('./work/enrolment.ts')
    const { readSettings } = await import('../settings.ts')
    await enrolList(readSettings(process.env), file, {
      out: options.out ?? `${file.replace(/\.csv$/i, '')}.tokens.csv`,
      labels: options.labels ?? null,
      skipExisting: options['skip-existing'] ?? false,
    })
  },
})
