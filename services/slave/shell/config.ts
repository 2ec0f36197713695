// The slave's configuration: a TOML file a technician writes on site. Every mistake is named with
// its line and field; nothing is guessed and no unknown key is passed over.

import { readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parse, TomlError } from 'smol-toml'
import { z } from 'zod'
import type { FaultCode } from '../../../shared/faults.ts'
import { errorCode } from '../../../shared/node/fault-error.ts'
import { decodeToken, type EnrolmentToken } from '../../../shared/tves/token.ts'
import { OUTBOX_AGE_DAYS_MAX } from '../../../shared/wire/limits.ts'
import type { SessionSuite } from '../../../shared/wire/message.ts'
import { type LinkAddress, parseLinkAddress } from './link/address.ts'
import { checkMeterLine, type MeterLineConfig } from './meters/meter-line.ts'
import type { OutboxLimits } from './outbox/limits.ts'

export interface LineConfig extends MeterLineConfig {
  readonly everyMs: number
  readonly history: boolean
  /** What is done about the meters' clocks: observed, or corrected lightly too. */
  readonly clock: 'watch' | 'light'
}

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

export type ConfigVerdict =
  | { readonly ok: true; readonly config: SlaveConfig; readonly warnings: readonly Warning[] }
  | { readonly ok: false; readonly fault: 'OPS-05'; readonly detail: string }

/** Meters per slave: what one process reads, seals and stores every few seconds with room to
 * spare. */
const METERS_MAX = 1_000
const DAY_MS = 86_400_000
const MIB = 1024 * 1024

const lineShape = z.strictObject({
  url: z.string(),
  protocol: z.enum(['sem', 'dsmr']),
  meters: z.array(z.string()).min(1),
  // A day at most: the master's pages call a meter silent after that.
  every: z.number().min(1).max(86_400).default(60),
  history: z.boolean().optional(),
  clock: z.enum(['watch', 'light']).default('watch'),
  allow_unchecked: z.boolean().default(false),
  standard_offset_minutes: z.int().optional(),
  equipment_id: z.string().min(1).max(96).optional(),
})

const fileShape = z.strictObject({
  data: z.string().min(1).default('data'),
  master: z.string(),
  token: z.string().optional(),
  token_file: z.string().min(1).optional(),
  suite: z.literal([0, 1]).default(1),
  pad: z.boolean().default(false),
  line: z.array(lineShape).min(1),
  outbox: z
    .strictObject({
      max_mb: z.number().min(1).max(1_000_000).default(512),
      max_frames: z.int().min(1_000).max(100_000_000).default(2_000_000),
      max_days: z.number().min(1).max(OUTBOX_AGE_DAYS_MAX).default(OUTBOX_AGE_DAYS_MAX),
    })
    .prefault({}),
})
type FileShape = z.infer<typeof fileShape>
type Path = readonly PropertyKey[]

/** A mistake at a place of the file; becomes the verdict. */
class Mistake extends Error {
  readonly path: Path
  constructor(path: Path, message: string) {
    super(message)
    this.path = path
  }
}

/** Reads and checks the file. OPS-05 with line, field and reason; OPS-10 as a warning when somebody
 * else can read the token. */
export function loadConfig(path: string): ConfigVerdict {
  const refuse = (detail: string) => ({ ok: false, fault: 'OPS-05', detail }) as const
  const file = readText(path)
  if (!file.ok) return refuse(`${path} cannot be read: ${file.why}`)
  try {
    const shape = fileShape.safeParse(parse(file.text))
    if (!shape.success) {
      const [issue] = shape.error.issues
      throw new Mistake(pathOf(issue), issue?.message ?? 'not valid')
    }
    const token = readToken(shape.data, path, file.open)
    const warnings: Warning[] =
      token.exposed === null ? [] : [{ fault: 'OPS-10', detail: token.exposed }]
    return { ok: true, config: configOf(shape.data, dirname(path), token.token), warnings }
  } catch (error) {
    if (error instanceof TomlError) {
      const [reason = ''] = error.message.split('\n')
      return refuse(`${path} line ${error.line}: ${reason}`)
    }
    if (!(error instanceof Mistake)) throw error
    const line = lineOf(file.text, error.path)
    const at = line === null ? '' : ` line ${line}`
    const field = error.path.length === 0 ? '' : `, ${nameOf(error.path)}`
    return refuse(`${path}${at}${field}: ${error.message}`)
  }
}

function configOf(shape: FileShape, folder: string, token: EnrolmentToken | null): SlaveConfig {
  const master = parseLinkAddress(shape.master)
  if (master === null) {
    throw new Mistake(
      ['master'],
      `"${shape.master}" is neither tcp://host:port nor ws://host:port/path`,
    )
  }
  const lines = shape.line.map(lineOfShape)
  const meters = lines.flatMap((line) => line.meters)
  const twice = meters.find((meter, at) => meters.indexOf(meter) !== at)
  if (twice !== undefined) throw new Mistake(['line'], `meter "${twice}" stands on two lines`)
  if (meters.length > METERS_MAX) throw new Mistake(['line'], `more than ${METERS_MAX} meters`)
  return {
    dataFolder: resolve(folder, shape.data),
    master,
    token,
    lines,
    pad: shape.pad,
    outbox: {
      bytesMax: Math.floor(shape.outbox.max_mb * MIB),
      framesMax: shape.outbox.max_frames,
      ageMaxMs: shape.outbox.max_days * DAY_MS,
    },
    suite: shape.suite,
  }
}

function lineOfShape(line: FileShape['line'][number], at: number): LineConfig {
  const { url, protocol, meters, allow_unchecked, standard_offset_minutes, equipment_id } = line
  if (protocol === 'dsmr' && standard_offset_minutes === undefined) {
    throw new Mistake(
      ['line', at],
      'a dsmr line needs standard_offset_minutes, winter time east of UTC',
    )
  }
  const config: MeterLineConfig = {
    url,
    protocol,
    meters,
    allowUnchecked: allow_unchecked,
    standardOffsetMinutes: standard_offset_minutes ?? 0,
    ...(equipment_id === undefined ? {} : { equipmentId: equipment_id }),
  }
  const verdict = checkMeterLine(config)
  if (!verdict.ok) throw new Mistake(['line', at], verdict.detail)
  const history = line.history ?? protocol === 'sem'
  if (history && protocol === 'dsmr') {
    throw new Mistake(['line', at, 'history'], 'a P1 port has no load profile to read')
  }
  const { clock } = line
  if (clock === 'light' && protocol === 'dsmr') {
    throw new Mistake(['line', at, 'clock'], 'a P1 port has no clock that could be set')
  }
  return { ...config, everyMs: Math.round(line.every * 1_000), history, clock }
}

function readToken(
  shape: FileShape,
  path: string,
  configOpen: boolean,
): { readonly token: EnrolmentToken | null; readonly exposed: string | null } {
  const { token, token_file } = shape
  if (token === undefined && token_file === undefined) return { token: null, exposed: null }
  if (token !== undefined && token_file !== undefined) {
    throw new Mistake(['token'], 'token and token_file exclude each other')
  }
  const field = token === undefined ? 'token_file' : 'token'
  const from = token_file === undefined ? path : resolve(dirname(path), token_file)
  const file =
    token === undefined ? readText(from) : ({ ok: true, text: token, open: configOpen } as const)
  if (!file.ok) {
    // A token file is deleted after enrolment; then there is nothing to read, and nothing wrong.
    if (file.why === 'ENOENT') return { token: null, exposed: null }
    throw new Mistake([field], `${from} cannot be read: ${file.why}`)
  }
  const decoded = decodeToken(file.text)
  if (decoded === null) throw new Mistake([field], 'not an enrolment token (64 letters and digits)')
  return { token: decoded, exposed: file.open ? from : null }
}

type FileText =
  | { readonly ok: true; readonly text: string; readonly open: boolean }
  | { readonly ok: false; readonly why: string }

/** The text of a file; `open`: others than its owner can read it; `why`: ENOENT, EACCES and the
 * like. */
function readText(path: string): FileText {
  try {
    const text = readFileSync(path, 'utf8')
    return { ok: true, text, open: (statSync(path).mode & 0o077) !== 0 }
  } catch (error) {
    return { ok: false, why: errorCode(error) }
  }
}

/** zod names unknown keys beside the path of their table. */
function pathOf(issue: z.core.$ZodIssue | undefined): Path {
  if (issue?.code !== 'unrecognized_keys') return issue?.path ?? []
  return [...issue.path, issue.keys[0] ?? '']
}

/** `line[2].every`; tables are counted from 1, as people do. */
const nameOf = (path: Path): string =>
  path
    .map((step) => (typeof step === 'number' ? `[${step + 1}]` : `.${String(step)}`))
    .join('')
    .slice(1)

/** The line of the file in which a field stands, or its table's head, or null. */
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
