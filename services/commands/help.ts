import { FaultError } from '../../shared/node/fault-error.ts'
import { variablesText } from '../variables.ts'
import { helpOf, listed, type SubCommand, subCommand } from './sub-command.ts'

export const help = subCommand({
  name: 'help',
  usage: '[COMMAND]',
  about: 'this text, or what one command takes',
  details: [],
  options: {},
  wordsMax: 1,
  run: (_options, [name], all) => {
    console.log(name === undefined ? helpText(all) : helpOf(found(name, all)))
  },
})

const helpText = (all: readonly SubCommand[]): string => `ticklock COMMAND

${all.map(listed).join('\n')}

Settings by environment:
${variablesText()}
More in docs/operating.md.`

/** OPS-12 names the commands there are. */
export function found(name: string, all: readonly SubCommand[]): SubCommand {
  const command = all.find((one) => one.name === name)
  if (command !== undefined) return command
  const names = all.map((one) => one.name).join(', ')
  throw new FaultError('OPS-12', `"${name}" is none of ${names}`)
}
