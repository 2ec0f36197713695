// The log: one JSON object per line for machines, one readable line for a person at a terminal.
// Fields are plain text and numbers by type, so that no key, frame or token can be handed to it as
// an object. Every fault carries its code, meaning and remedy from the one table.

import { styleText } from 'node:util'
import { type DestinationStream, destination, pino } from 'pino'
import { FAULTS, type FaultCode, faultLine } from '../faults.ts'

export type Fields = Readonly<Record<string, string | number | boolean | null>>

export interface Log {
  info(text: string, fields?: Fields): void
  /** Logs a fault at its own severity. Each code is written at most FAULT_LINES_MAX times a minute;
   * the next line counts what was left out as `unwritten`. `rare`: whoever reports it sees to it
   * that it is seldom, so it is always written: it names something that nothing else names. */
  fault(code: FaultCode, detail: string, fields?: Fields, rare?: boolean): void
  /** A log that adds these fields to every line. It counts faults of its own. */
  child(fields: Fields): Log
}

export interface LogOptions {
  /** One readable line per entry instead of JSON. */
  readonly pretty: boolean
  /** Milliseconds from any origin. */
  readonly nowMs: () => number
  /** Where lines go; standard output when left out. */
  readonly write?: (line: string) => void
}

/** A flood of one fault (a noisy meter line, an attacker) must not fill the disk with its log. */
const FAULT_LINES_MAX = 6
const FAULT_WINDOW_MS = 60_000

/** pino's numbers, and between error (50) and fatal (60) our own: someone must be woken. */
const ALARM_LEVEL = 55
const LEVEL_NAMES: ReadonlyMap<unknown, string> = new Map([
  [30, 'info '],
  [40, styleText('yellow', 'warn ')],
  [50, styleText('red', 'error')],
  [ALARM_LEVEL, styleText(['red', 'bold'], 'ALARM')],
])

export function openLog(options: LogOptions): Log {
  // Synchronous: what was logged before a crash is there.
  const output = options.write ?? lineWriter()
  const stream: DestinationStream = {
    write: options.pretty ? (line) => output(prettyLine(line)) : output,
  }
  const root = pino(
    {
      base: null,
      customLevels: { alarm: ALARM_LEVEL },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    stream,
  )
  return wrap(root, options)
}

type Pino = ReturnType<typeof pino<'alarm'>>

function wrap(logger: Pino, options: LogOptions): Log {
  const windows = new Map<FaultCode, { since: number; lines: number; unwritten: number }>()
  return {
    info: (text, fields = {}) => logger.info(fields, text),
    fault: (code, detail, fields = {}, rare = false) => {
      if (rare) {
        logger[FAULTS[code].severity]({ fault: code, ...fields }, faultLine(code, detail))
        return
      }
      const now = options.nowMs()
      let window = windows.get(code)
      const unwritten = window?.unwritten ?? 0
      if (window === undefined || now - window.since >= FAULT_WINDOW_MS) {
        window = { since: now, lines: 0, unwritten }
        windows.set(code, window)
      }
      window.lines += 1
      if (window.lines > FAULT_LINES_MAX) {
        window.unwritten += 1
        return
      }
      window.unwritten = 0
      const counted = unwritten > 0 ? { unwritten } : {}
      logger[FAULTS[code].severity]({ fault: code, ...fields, ...counted }, faultLine(code, detail))
    },
    child: (fields) => wrap(logger.child(fields), options),
  }
}

function lineWriter(): (line: string) => void {
  const stdout = destination({ dest: 1, sync: true })
  return (line) => {
    stdout.write(line)
  }
}

/** `12:34:56 warn  text  name=value`; the fault's code already begins the text. */
function prettyLine(line: string): string {
  const entry: unknown = JSON.parse(line)
  if (typeof entry !== 'object' || entry === null) return line
  const fields = new Map<string, unknown>(Object.entries(entry))
  const text = [
    String(fields.get('time')).slice(11, 19),
    LEVEL_NAMES.get(fields.get('level')) ?? '     ',
    String(fields.get('msg')),
  ]
  for (const name of ['time', 'level', 'msg', 'fault']) fields.delete(name)
  const rest = [...fields].map(([name, value]) => `  ${name}=${String(value)}`)
  return `${text.join(' ')}${styleText('dim', rest.join(''))}\n`
}
