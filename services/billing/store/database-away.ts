// Distinguishes "the database is away" from our own bugs, by the codes that Node and PostgreSQL
// give.

/** Sockets that failed (Node), and PostgreSQL's classes 08 connection, 53300 too many connections,
 * 57P shutting down or starting. Source: PostgreSQL documentation, appendix A. */
const AWAY_CODES =
  /^(?:ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|ENOENT|EAI_AGAIN|08\w{3}|53300|57P0\d)$/
/** node-postgres gives no code for these. */
const AWAY_WORDS = [
  'Connection terminated',
  'timeout exceeded when trying to connect',
  'Client has encountered a connection error',
  'Cannot use a pool after calling end',
] as const

export function isDatabaseAway(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isDatabaseAway)
  if (!(error instanceof Error)) return false
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return AWAY_CODES.test(code) || AWAY_WORDS.some((words) => error.message.startsWith(words))
}
