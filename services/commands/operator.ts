import { misused, subCommand } from './sub-command.ts'

export const operator = subCommand({
  name: 'operator',
  usage: 'ACTION [NAME]',
  about: 'who can log in to the pages; ACTION is one of',
  details: [
    ['add NAME', 'asks for the password, or reads it from standard input'],
    ['passwd NAME', 'a new password, asked or read; ends the open sessions'],
    ['remove NAME', 'and ends the open sessions'],
    ['list', 'names and open sessions'],
    ['revoke-sessions NAME', 'ends the open sessions'],
    ['--last', 'remove even the last one; the next start prints a set-up link'],
  ],
  options: { last: { type: 'boolean' } },
  wordsMax: 2,
  run: async ({ last = false }, [action = '', name]) => {
    const { isOperatorAction, operatorAction } = await import('./work/operators.ts')
    const { readSettings } = await import('../settings.ts')
    if (!isOperatorAction(action)) {
      throw misused(operator, action === '' ? 'the action is missing' : `no action "${action}"`)
    }
    if (action === 'list' ? name !== undefined : name === undefined) {
      throw misused(operator, action === 'list' ? 'list takes no name' : 'the name is missing')
    }
    if (last && action !== 'remove') throw misused(operator, '--last belongs to remove')
    await operatorAction(readSettings(process.env), { action, name: name ?? '', last })
  },
})
