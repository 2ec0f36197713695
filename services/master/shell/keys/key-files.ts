// Secret files: written so that a power cut leaves the whole file or none, read only when nobody
// else can read them, and destroyed by overwriting before the name goes. (What a flash controller
// or a copying file system keeps of them is out of our reach: threat-model.md.)

import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { isSpent, secretConcat } from '../../../../shared/bytes.ts'
import { errorCode, FaultError } from '../../../../shared/node/fault-error.ts'

/** Makes the name durable too. Windows cannot synchronise a folder, and does not need to. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const opened = openSync(folder, 'r')
  try {
    fsyncSync(opened)
  } finally {
    closeSync(opened)
  }
}

function writeDurably(path: string, flags: 'w' | 'wx' | 'r+', bytes: Uint8Array): void {
  const file = openSync(path, flags, 0o600)
  try {
    writeSync(file, bytes)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** The file's bytes; null when there is no such file, or it was erased and only its name is left.
 * OPS-10 when others can read it, OPS-16 when its length is wrong. */
export function readSecret(path: string, length: number): Uint8Array | null {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) return null
  if ((found.mode & 0o077) !== 0 && process.platform !== 'win32') {
    throw new FaultError('OPS-10', path)
  }
  const bytes = readIfThere(path)
  if (bytes === null) return null
  if (bytes.length !== length) throw new FaultError('OPS-16', `${path} is not a key`)
  return isSpent(bytes) ? null : bytes
}

/** Another process may remove a name between two looks. */
function readIfThere(path: string): Uint8Array | null {
  try {
    const read = readFileSync(path)
    const bytes = secretConcat(read)
    read.fill(0)
    return bytes
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null
    throw error
  }
}

/** Creates a file of mode 0600, never over an existing one; durable when this returns. */
export function makeSecret(folder: string, name: string, bytes: Uint8Array): void {
  writeDurably(join(folder, name), 'wx', bytes)
  syncFolder(folder)
}

/** The same, but written whole or not at all: for a key beside an existing one, where a torn file
 * would prevent the next start. */
export function addSecret(folder: string, name: string, bytes: Uint8Array): void {
  const path = join(folder, name)
  writeDurably(`${path}.new`, 'w', bytes)
  renameSync(`${path}.new`, path)
  syncFolder(folder)
}

/** Overwrites the bytes in place, then removes the name. `cut` is called in between. */
export function eraseSecret(folder: string, name: string, cut: () => void = () => {}): void {
  const path = join(folder, name)
  const size = statSync(path, { throwIfNoEntry: false })?.size
  if (size === undefined) return
  writeDurably(path, 'r+', new Uint8Array(size))
  cut()
  rmSync(path, { force: true })
  syncFolder(folder)
}
