// The environment variables of a head-end, each in one place: its name, what holds when it is not
// set, and what help says of it. docs/operating.md describes them at length; a test compares.

import { typingErrors } from '../shared/documents/spelling.ts'
import { FaultError } from '../shared/node/fault-error.ts'
import { HANDSHAKES_PER_SOURCE, TOLERANCE_DEFAULT } from '../shared/wire/limits.ts'

interface Variable {
  /** What holds when it is not set, as it would be written; '' when that is no value. */
  readonly otherwise: string
  /** For help; null: only docs/operating.md tells. */
  readonly about: string | null
}

const VARIABLES = {
  TICKLOCK_HTTP_PORT: { otherwise: '8080', about: 'pages, /metrics and /healthz' },
  TICKLOCK_TCP_PORT: { otherwise: '7443', about: 'slaves by TCP' },
  TICKLOCK_WS_PORT: { otherwise: '7444', about: 'slaves by WebSocket' },
  TICKLOCK_NTP_PORT: { otherwise: '7123', about: 'time for others (NTP, UDP); 0: none' },
  TICKLOCK_HOST: { otherwise: '127.0.0.1', about: 'the address all of them listen on' },
  TICKLOCK_PUBLIC_URL: {
    otherwise: '',
    about: 'address of the pages as customers type it; mail and SMS need it',
  },
  TICKLOCK_TRUSTED_PROXY: { otherwise: '', about: 'proxies whose X-Forwarded-For is believed' },
  TICKLOCK_TIME_SOURCES: {
    otherwise: '',
    about: "NTP and NTS servers to follow; otherwise this machine's clock",
  },
  TICKLOCK_DATA: { otherwise: './data', about: 'database and keys' },
  DATABASE_URL: { otherwise: '', about: 'an external PostgreSQL; otherwise an embedded one' },
  TICKLOCK_MIGRATION_URL: {
    otherwise: '',
    about: 'the same database as the owner of its tables',
  },
  TICKLOCK_TIME_CA: { otherwise: '', about: null },
  TICKLOCK_CLOCK_BOUND_MS: { otherwise: '20', about: null },
  TICKLOCK_TOLERANCE_S: { otherwise: String(TOLERANCE_DEFAULT), about: null },
  TICKLOCK_HANDSHAKES_PER_SOURCE: { otherwise: String(HANDSHAKES_PER_SOURCE), about: null },
  TICKLOCK_UTILITY: { otherwise: '', about: null },
  TICKLOCK_UTILITY_ADDRESS: { otherwise: '', about: null },
  TICKLOCK_UTILITY_CONTACT: { otherwise: '', about: null },
  TICKLOCK_UTILITY_PAYMENT: { otherwise: '', about: null },
  TICKLOCK_SMTP_URL: { otherwise: '', about: null },
  TICKLOCK_MAIL_FROM: { otherwise: '', about: null },
  TICKLOCK_SMS_URL: { otherwise: '', about: null },
  TICKLOCK_SMS_FROM: { otherwise: '', about: null },
  TICKLOCK_ZONE: { otherwise: '', about: null },
} as const satisfies Record<string, Variable>

export type VariableName = keyof typeof VARIABLES
export type Environment = Readonly<Record<string, string | undefined>>

/** A variable as set, or what holds otherwise. Set to nothing counts as not set. OPS-05: it is not
 * UTF-8; what would be printed on bills and in letters has lost a character. */
export function variable(env: Environment, name: VariableName): string {
  const set = env[name]
  if (set === undefined || set === '') return VARIABLES[name].otherwise
  if (set.includes('\uFFFD')) {
    throw new FaultError('OPS-05', `${name}: not UTF-8; set it where the locale is UTF-8`)
  }
  return set
}

/** Names that the tests and tools of this repository use. */
const NOT_SETTINGS = /^TICKLOCK_(?:TEST_|VECTORS$|GRACE_MS$)/

/** A variable that looks like one of ours and is none: most likely misspelt, and then what it sets
 * does not hold. */
export interface UnknownVariable {
  readonly name: string
  /** The one that was probably meant. */
  readonly like: VariableName | null
}

/** Variables that begin like ours, in any letter case, and are not in the list. */
export function unknownVariables(env: Environment): readonly UnknownVariable[] {
  return Object.keys(env)
    .filter((name) => /^TICKLOCK_?/i.test(name) && !NOT_SETTINGS.test(name))
    .filter((name) => !Object.hasOwn(VARIABLES, name))
    .map((name) => ({ name, like: nearest(name.toUpperCase()) }))
}

/** Most letters that may be wrong for a name to be taken for another. */
const TYPING_ERRORS_MAX = 4

function nearest(name: string): VariableName | null {
  const known = variableNames().map((like) => ({ like, errors: typingErrors(name, like) }))
  const [best] = known.toSorted((one, other) => one.errors - other.errors)
  return best === undefined || best.errors > TYPING_ERRORS_MAX ? null : best.like
}

const isVariable = (name: string): name is VariableName => Object.hasOwn(VARIABLES, name)
const variableNames = (): readonly VariableName[] => Object.keys(VARIABLES).filter(isVariable)

/** Names and what holds otherwise. */
export const variableDefaults = (): ReadonlyMap<string, string> =>
  new Map(Object.entries<Variable>(VARIABLES).map(([name, { otherwise }]) => [name, otherwise]))

/** A line for each that help tells of. */
export const variablesText = (): string =>
  Object.entries<Variable>(VARIABLES)
    .flatMap(([name, { otherwise, about }]) => {
      if (about === null) return []
      return [`  ${name.padEnd(28)}${about}${otherwise === '' ? '' : ` (${otherwise})`}`]
    })
    .join('\n')
