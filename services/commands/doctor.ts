import { subCommand } from './sub-command.ts'

export const doctor = subCommand({
  name: 'doctor',
  usage: '',
  about: 'check ports, data folder, disk, Node and PostgreSQL',
  details: [],
  options: {},
  wordsMax: 0,
  run: async () => {
    const { runChecks } = await import('./work/checks.ts')
    process.exitCode = await runChecks(process.env)
  },
})
