import { misused, subCommand } from './sub-command.ts'

export const bills = subCommand({
  name: 'bills',
  usage: 'ACTION',
  about: 'the bill run; ACTION is one of',
  details: [
    ['board', 'each month: billed, ready, waiting for what, blocked by which fault'],
    ['run', 'issue the ready bills of a month, whoever has to say so'],
    ['--month YYYY-MM', 'which month (run: the last one that is over)'],
    ['--dry-run', 'what they come to, and issue nothing'],
  ],
  options: { month: { type: 'string' }, 'dry-run': { type: 'boolean' } },
  wordsMax: 1,
  run: async ({ month = null, 'dry-run': dryRun = false }, [action]) => {
    const { printBoard, runMonth } = await import('./work/bills.ts')
    const { readSettings } = await import('../settings.ts')
    if (action === 'board' && !dryRun) await printBoard(readSettings(process.env), month)
    else if (action === 'run') await runMonth(readSettings(process.env), month, dryRun)
    else throw misused(bills, 'board, or run [--dry-run]')
  },
})
