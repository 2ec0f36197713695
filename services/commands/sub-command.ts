// What a sub-command is: a name, the text of its help, the options it takes, and what it does. A
// file of this folder holds one of them and imports at its head only what costs nothing: the table
// loads them all, and a slave on a small board must not carry a database client and a PDF writer
// in memory. What a command needs it imports when it runs.

import { parseArgs, type ParseArgsConfig } from 'node:util'
import { errorCode, errorText, FaultError } from '../../shared/node/fault-error.ts'

/** What is written on the left, and what that means. */
type Detail = readonly [string, string]

/** What help says of a command. */
export interface Described {
  readonly name: string
  /** The words behind the name: capitals stand for values, brackets for what may be left out. */
  readonly usage: string
  readonly about: string
  /** Forms of its words, and its options. */
  readonly details: readonly Detail[]
}

type Options = NonNullable<ParseArgsConfig['options']>
interface Parsing<Own extends Options> {
  readonly args: string[]
  readonly options: Own
  readonly allowPositionals: true
}
type Parsed<Own extends Options> = ReturnType<typeof parseArgs<Parsing<Own>>>

interface Plan<Own extends Options> extends Described {
  readonly options: Own
  /** Most words behind the name. */
  readonly wordsMax: number
  /** `all`: the whole table. */
  run(
    values: Parsed<Own>['values'],
    words: readonly string[],
    all: readonly SubCommand[],
  ): Promise<void> | void
}

export interface SubCommand extends Described {
  /** As parseArgs names them, without `--`. */
  readonly options: readonly string[]
  /** Takes the words behind the name. OPS-12 says what is allowed. */
  run(args: readonly string[], all: readonly SubCommand[]): Promise<void>
}

export function subCommand<const Own extends Options>(plan: Plan<Own>): SubCommand {
  const { name, usage, about, details, options, wordsMax } = plan
  const described: Described = { name, usage, about, details }
  const parsed = (args: readonly string[]): Parsed<Own> => {
    try {
      return parseArgs<Parsing<Own>>({ args: [...args], options, allowPositionals: true })
    } catch (error) {
      if (!errorCode(error).startsWith('ERR_PARSE_ARGS')) throw error
      // Node's second sentence tells how to pass an option as a word.
      throw misused(described, errorText(error).split('. ')[0] ?? '')
    }
  }
  return {
    ...described,
    options: Object.keys(options),
    run: async (args, all) => {
      if (asksForHelp(args)) {
        console.log(helpOf(described))
        return
      }
      const { values, positionals } = parsed(args)
      const surplus = positionals[wordsMax]
      if (surplus !== undefined) throw misused(described, `"${surplus}" is one word too many`)
      await plan.run(values, positionals, all)
    },
  }
}

/** OPS-12 for one command: what is wrong with the call, and how it is called. */
export const misused = (command: Described, wrong: string): FaultError =>
  new FaultError('OPS-12', `${wrong} (${usageOf(command)})`)

/** Every command answers `--help`, whatever else is said before a `--`. */
function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  const before = end === -1 ? args : args.slice(0, end)
  return before.includes('--help') || before.includes('-h')
}

/** `ticklock enrol FILE.csv [--out FILE] [--skip-existing]`. */
export function usageOf({ name, usage, details }: Described): string {
  const options = details.map(([left]) => left).filter((left) => left.startsWith('--'))
  return ['ticklock', name, usage, ...options.map((option) => `[${option}]`)]
    .filter((word) => word !== '')
    .join(' ')
}

/** Where the right column of help begins. */
const COLUMN = 30
const row = (left: string, right: string): string =>
  left.length < COLUMN ? `${left.padEnd(COLUMN)}${right}` : `${left}\n${' '.repeat(COLUMN)}${right}`

/** What `ticklock NAME --help` prints. */
export function helpOf(command: Described): string {
  const details = command.details.map(([left, right]) => row(`  ${left}`, right))
  return [usageOf(command), `  ${command.about}`, ...details].join('\n')
}

/** One command in the list of all. */
export function listed({ name, usage, about, details }: Described): string {
  const lines = details.map(([left, right]) => row(`      ${left}`, right))
  return [row(`  ${name} ${usage}`.trimEnd(), about), ...lines].join('\n')
}
