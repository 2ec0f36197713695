// The slave's configuration: a TOML file a technician writes on site. Every mistake is named with
// its line and field; nothing is guessed and no unknown key is passed over.

import { readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parse, TomlError } from 'smol-toml'
import { z } from 'zod'
import { decodeText } from '../../../shared/documents/text.ts'
import type { FaultCode } from '../../../shared/faults.ts'
import { errorCode } from '../../../shared/node/fault-error.ts'
import { decodeToken, type EnrolmentToken } from '../../../shared/tves/token.ts'
import { OUTBOX_AGE_DAYS_MAX } from '../../../shared/wire/limits.ts'
import type { SessionSuite } from '../../../shared/wire/message.ts'
import { type LinkAddress, parseLinkAddress } from './link/address.ts'
import { type LineConfig, lineTable, readLine } from './meters/line-config.ts'
import type { MeterProtocol } from './meters/protocol.ts'
import { PROTOCOLS } from './meters/protocols.ts'
import { firstMistake, type Mistake, mistake, type Path } from './mistake.ts'
import type { OutboxLimits } from './outbox/limits.ts'

export interface SlaveConfig {
  /** Absolute path. */
  readonly dataFolder: string
  readonly master: LinkAddress
  /** Only needed until the device is enrolled. */
  readonly token: EnrolmentToken | null
  readonly lines: readonly LineConfig[]
  readonly outbox: OutboxLimits
  /** Of the session handshake: 1 with ML-KEM-768, 0 without. */
  readonly suite: SessionSuite
  /** Whether frames are padded, so that their size tells little. */
  readonly pad: boolean
}

interface Warning {
  readonly fault: FaultCode
  readonly detail: string
}

interface GoodConfig {
  readonly ok: true
  readonly config: SlaveConfig
  readonly warnings: readonly Warning[]
}

export type ConfigVerdict =
  | GoodConfig
  | { readonly ok: false; readonly fault: 'OPS-05'; readonly detail: string }

/** Meters per slave: what one process reads, seals and stores every few seconds with room to
 * spare. */
const METERS_MAX = 1_000
const DAY_MS = 86_400_000
const MIB = 1024 * 1024

const fileShape = z.strictObject({
  data: z.string().min(1).default('data'),
  master: z.string(),
  token: z.string().optional(),
  token_file: z.string().min(1).optional(),
  suite: z.literal([0, 1]).default(1),
  pad: z.boolean().default(false),
  line: z.array(lineTable).min(1),
  outbox: z
    .strictObject({
      max_mb: z.number().min(1).max(1_000_000).default(512),
      max_frames: z.int().min(1_000).max(100_000_000).default(2_000_000),
      max_days: z.number().min(1).max(OUTBOX_AGE_DAYS_MAX).default(OUTBOX_AGE_DAYS_MAX),
    })
    .prefault({}),
})
type FileShape = z.infer<typeof fileShape>

/** Reads and checks the file. OPS-05 with line, field and reason; OPS-10 as a warning when others
 * can read the token. */
export function loadConfig(
  path: string,
  protocols: readonly MeterProtocol[] = PROTOCOLS,
): ConfigVerdict {
  const refuse = (detail: string) => ({ ok: false, fault: 'OPS-05', detail }) as const
  const file = readText(path)
  if (!file.ok) return refuse(`${path} ${file.why}`)
  try {
    const read = readTable(parse(file.text), { path, open: file.open, protocols })
    return read.ok ? read : refuse(`${path}${placeIn(file.text, read.path)}: ${read.detail}`)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const [reason = ''] = error.message.split('\n')
    return refuse(`${path} line ${error.line}: ${reason}`)
  }
}

interface Source {
  readonly path: string
  /** Others than its owner can read it. */
  readonly open: boolean
  readonly protocols: readonly MeterProtocol[]
}

function readTable(table: unknown, source: Source): GoodConfig | Mistake {
  const shape = fileShape.safeParse(table)
  if (!shape.success) return firstMistake(shape.error)
  const { data: file } = shape
  const lines = readLines(file.line, source.protocols)
  if (!lines.ok) return lines
  const token = readToken(file, source)
  if (!token.ok) return token
  const master = parseLinkAddress(file.master)
  if (master === null) {
    const detail = `"${file.master}" is neither tcp://host:port nor ws://host:port/path`
    return mistake(['master'], detail)
  }
  const { exposed } = token
  return {
    ok: true,
    config: {
      dataFolder: resolve(dirname(source.path), file.data),
      master,
      token: token.token,
      lines: lines.lines,
      pad: file.pad,
      outbox: {
        bytesMax: Math.floor(file.outbox.max_mb * MIB),
        framesMax: file.outbox.max_frames,
        ageMaxMs: file.outbox.max_days * DAY_MS,
      },
      suite: file.suite,
    },
    warnings: exposed === null ? [] : [{ fault: 'OPS-10', detail: exposed }],
  }
}

function readLines(
  tables: FileShape['line'],
  protocols: readonly MeterProtocol[],
): { readonly ok: true; readonly lines: readonly LineConfig[] } | Mistake {
  const lines: LineConfig[] = []
  for (const [at, table] of tables.entries()) {
    const read = readLine(table, protocols)
    if (!read.ok) return mistake(['line', at, ...read.path], read.detail)
    lines.push(read.line)
  }
  const meters = lines.flatMap((line) => line.meters)
  const twice = meters.find((meter, at) => meters.indexOf(meter) !== at)
  if (twice !== undefined) return mistake(['line'], `meter "${twice}" stands on two lines`)
  if (meters.length > METERS_MAX) return mistake(['line'], `more than ${METERS_MAX} meters`)
  return { ok: true, lines }
}

interface TokenFound {
  readonly ok: true
  readonly token: EnrolmentToken | null
  /** The file with the token that others can read; null: there is none. */
  readonly exposed: string | null
}
const NO_TOKEN: TokenFound = { ok: true, token: null, exposed: null }

function readToken({ token, token_file }: FileShape, { path, open }: Source): TokenFound | Mistake {
  if (token === undefined && token_file === undefined) return NO_TOKEN
  if (token !== undefined && token_file !== undefined) {
    return mistake(['token'], 'token and token_file exclude each other')
  }
  const field = token === undefined ? 'token_file' : 'token'
  const from = token_file === undefined ? path : resolve(dirname(path), token_file)
  const file = token === undefined ? readText(from) : ({ ok: true, text: token, open } as const)
  if (!file.ok) {
    // The token file is deleted after enrolment: a missing one is nothing wrong.
    if (file.isMissing) return NO_TOKEN
    return mistake([field], `${from} ${file.why}`)
  }
  const decoded = decodeToken(file.text)
  if (decoded === null) return mistake([field], 'not an enrolment token (64 letters and digits)')
  return { ok: true, token: decoded, exposed: file.open ? from : null }
}

type FileText =
  | { readonly ok: true; readonly text: string; readonly open: boolean }
  | { readonly ok: false; readonly isMissing: boolean; readonly why: string }

/** The text of a file. `open`: others than its owner can read it. `why`: `cannot be read: EACCES`,
 * or where it is not UTF-8. */
function readText(path: string): FileText {
  try {
    const decoded = decodeText(readFileSync(path))
    const open = (statSync(path).mode & 0o077) !== 0
    if (decoded.ok) return { ok: true, text: decoded.text, open }
    const { line, column, problem } = decoded
    return { ok: false, isMissing: false, why: `line ${line}, column ${column}: ${problem}` }
  } catch (error) {
    const code = errorCode(error)
    return { ok: false, isMissing: code === 'ENOENT', why: `cannot be read: ${code}` }
  }
}

/** ` line 7, line[2].every`: where a mistake is, as far as that is known. */
function placeIn(text: string, path: Path): string {
  const line = lineOf(text, path)
  const at = line === null ? '' : ` line ${line}`
  return path.length === 0 ? at : `${at}, ${nameOf(path)}`
}

/** `line[2].every`; tables are counted from 1, as people do. */
const nameOf = (path: Path): string =>
  path
    .map((step) => (typeof step === 'number' ? `[${step + 1}]` : `.${String(step)}`))
    .join('')
    .slice(1)

/** The line of the file where a field stands, or the head of its table; null when neither is
 * found. */
function lineOf(text: string, path: Path): number | null {
  const lines = text.split('\n')
  const [table, index] = path
  const nested = path.length > 1
  const heads = lines.flatMap((line, at) =>
    nested && new RegExp(`^\\s*\\[{1,2}\\s*${String(table)}\\s*\\]`).test(line) ? [at] : [],
  )
  const head = nested ? heads[typeof index === 'number' ? index : 0] : -1
  if (head === undefined) return null
  const field = path.findLast((step) => typeof step === 'string') ?? ''
  const isField = new RegExp(`^\\s*"?${RegExp.escape(field)}"?\\s*=`)
  for (let at = head + 1; at < lines.length; at += 1) {
    const line = lines[at] ?? ''
    if (isField.test(line)) return at + 1
    if (/^\s*\[/.test(line)) break
  }
  return head >= 0 ? head + 1 : null
}
