// `ticklock COMMAND`: finds the command in the table and runs it. What goes wrong on the way is one
// line with its fault code, and exit code 1.

import { faultLine } from '../shared/faults.ts'
import { errorCode, FaultError } from '../shared/node/fault-error.ts'
import { found } from './commands/help.ts'
import { COMMANDS } from './commands/table.ts'
import { unknownVariables } from './variables.ts'

const HELP: readonly string[] = ['--help', '-h']
const [name = 'help', ...args] = process.argv.slice(2)

// Whoever reads (`ticklock doctor | head`) may have seen enough: what is left is not printed.
process.stdout.on('error', (error) => {
  if (errorCode(error) !== 'EPIPE') throw error
})

for (const { name: unknown, like } of unknownVariables(process.env)) {
  // On standard error: what a command prints may be read by a program.
  console.error(faultLine('OPS-33', like === null ? unknown : `${unknown}; perhaps ${like}`))
}

try {
  await found(HELP.includes(name) ? 'help' : name, COMMANDS).run(args, COMMANDS)
} catch (error) {
  console.error(error instanceof FaultError ? error.message : error)
  process.exit(1)
}
