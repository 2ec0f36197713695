// Around the database: the folder and its permissions, the reserve that keeps acknowledging
// possible on a full disk, and what SQLite's errors mean to an operator.

import { makeFolders } from '../../../../shared/node/folders.ts'
import {
  chmodSync,
  closeSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { FaultCode } from '../../../../shared/faults.ts'
import { DamagedRow } from './rows.ts'

export interface Fault {
  readonly ok: false
  readonly fault: FaultCode
  readonly detail: string
}

/** Space kept for acknowledgements when the disk is full, bytes. Forgetting what was in flight (1
 * MiB, wire.md 10) writes those pages to the journal first. */
const RESERVE_BYTES = 2 * 1024 * 1024

/** Makes folder and file so that only their owner reads them. SQLite gives its journal the file's
 * mode. A folder that holds other people's files too keeps its mode. */
export function prepareFolder(folder: string, databasePath: string): void {
  makeFolders(folder, 0o700)
  if (readdirSync(folder).every((name) => name.startsWith('outbox.'))) chmodSync(folder, 0o700)
  closeSync(openSync(databasePath, 'a', 0o600))
  chmodSync(databasePath, 0o600)
}

/** A file of zeros that is given up when a commit without new frames finds no space. */
export class Reserve {
  readonly #path: string
  #stands: boolean

  constructor(folder: string) {
    this.#path = join(folder, 'outbox.reserve')
    this.#stands = statSync(this.#path, { throwIfNoEntry: false })?.size === RESERVE_BYTES
  }

  /** True when the reserve is whole, or could be made whole now. */
  restore(): boolean {
    if (this.#stands) return true
    try {
      writeFileSync(this.#path, new Uint8Array(RESERVE_BYTES), { mode: 0o600, flush: true })
      this.#stands = true
    } catch (error) {
      if (!hasSyscall(error)) throw error
      rmSync(this.#path, { force: true })
    }
    return this.#stands
  }

  /** Gives the space back to the disk; false when there was none to give. */
  release(): boolean {
    if (!this.#stands) return false
    truncateSync(this.#path)
    this.#stands = false
    return true
  }
}

const hasSyscall = (error: unknown): boolean => error instanceof Error && 'syscall' in error

const isFull = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')

/** Primary result codes of SQLite that a machine in trouble produces (sqlite.org/rescode.html). */
const SQLITE_FAULTS: ReadonlyMap<number, FaultCode> = new Map([
  [3, 'OPS-04'],
  [5, 'OPS-11'],
  [8, 'OPS-04'],
  [10, 'OPS-04'],
  [11, 'OPS-16'],
  [13, 'OPS-06'],
  [14, 'OPS-04'],
  [26, 'OPS-16'],
])

/** SQLITE_IOERR_READ, _SHORT_READ and _CORRUPTFS: the disk does not give back what it was given. */
const SQLITE_READ_ERRORS: ReadonlySet<number> = new Set([266, 522, 8458])

/** What an error of SQLite or the file system means; everything else is our own bug and is
 * thrown. */
export function faultOfSqlite(error: unknown, where: string): Fault {
  if (!(error instanceof Error)) throw error
  const detail = `${where}: ${error.message}`
  // Larger than any number we write.
  const tooLarge = 'code' in error && error.code === 'ERR_OUT_OF_RANGE'
  if (error instanceof DamagedRow || tooLarge) return { ok: false, fault: 'OPS-16', detail }
  if (isFull(error)) return { ok: false, fault: 'OPS-06', detail }
  if ('errcode' in error && typeof error.errcode === 'number') {
    if (SQLITE_READ_ERRORS.has(error.errcode)) return { ok: false, fault: 'OPS-16', detail }
    const fault = SQLITE_FAULTS.get(error.errcode & 0xff)
    if (fault !== undefined) return { ok: false, fault, detail }
  }
  if (hasSyscall(error)) return { ok: false, fault: 'OPS-04', detail }
  throw error
}
