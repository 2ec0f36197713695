import { misused, subCommand } from './sub-command.ts'

export const customer = subCommand({
  name: 'customer',
  usage: 'revoke [NUMBER]',
  about: "end a customer's open sessions and every link that was sent",
  details: [['--all', 'those of every customer']],
  options: { all: { type: 'boolean' } },
  wordsMax: 2,
  run: async ({ all = false }, [action, number]) => {
    if (action !== 'revoke') throw misused(customer, 'the only action is revoke')
    if (all === (number !== undefined)) {
      throw misused(customer, "give a customer's number, or --all")
    }
    const { revokeCustomers } = await import('./work/operators.ts')
    const { readSettings } = await import('../settings.ts')
    await revokeCustomers(readSettings(process.env), number ?? null)
  },
})
