// Where the Unix socket of an embedded database lies: in its own folder, or, where that path is too
// long for a socket, in one below the system's temporary folder whose random name is noted in the
// database's folder. Only a folder that is closed to others and belongs to the database's account
// is used: a name that somebody else took, or put a link in place of, is never listened in, and
// never makes us fall back to TCP.

import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FaultError } from '../../../../shared/node/fault-error.ts'
import { makeFolders } from '../../../../shared/node/folders.ts'
import type { Account } from './postgres-binaries.ts'

/** Longest socket path, bytes: sun_path of sockaddr_un is 108 with its final zero on Linux, 104 on
 * BSD. */
const SOCKET_PATH_BYTES_MAX = 103
const STICKY = 0o1000
const OTHERS_WRITE = 0o022
/** A link in the database's folder that says where its socket went. */
const ELSEWHERE = 'socket-elsewhere'
/** Stands for the six random characters of mkdtemp. */
const RANDOM = 'XXXXXX'

const fits = (folder: string): boolean =>
  Buffer.byteLength(join(folder, '.s.PGSQL.5432')) <= SOCKET_PATH_BYTES_MAX

/** Why nobody else can be in this folder, or null when somebody could. */
function isOursAlone(folder: string, account: Account): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false })
  const owner = account.uid ?? process.getuid?.()
  return (
    found !== undefined && found.isDirectory() && (found.mode & 0o077) === 0 && found.uid === owner
  )
}

export function makePrivate(folder: string, account: Account): void {
  makeFolders(folder, 0o700)
  giveTo(folder, account)
}

function giveTo(folder: string, { uid, gid }: Account): void {
  chmodSync(folder, 0o700)
  if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid)
}

function noted(folder: string): string | null {
  try {
    return readlinkSync(join(folder, ELSEWHERE))
  } catch {
    return null
  }
}

/** The socket's folder as it is; null when there is none, or it is not ours alone. */
export function findSocketFolder(folder: string, account: Account): string | null {
  const inside = join(folder, 'socket')
  const place = fits(inside) ? inside : noted(folder)
  return place !== null && isOursAlone(place, account) ? place : null
}

/** The socket's folder, made when missing; null on Windows, which has none. OPS-04 when no folder
 * can be ours alone. */
export function socketFolder(
  folder: string,
  account: Account,
  temporary = tmpdir(),
): string | null {
  if (process.platform === 'win32') return null
  const found = findSocketFolder(folder, account)
  if (found !== null) return found
  const inside = join(folder, 'socket')
  if (fits(inside)) {
    if (existsSync(inside)) throw new FaultError('OPS-04', `${inside} is not the database's alone`)
    makePrivate(inside, account)
    return inside
  }
  const begin = join(temporary, 'ticklock-')
  if (!fits(`${begin}${RANDOM}`)) {
    throw new FaultError('OPS-04', `no path is short enough for a socket: ${temporary} (TMPDIR)`)
  }
  const parent = statSync(temporary)
  const trusted = parent.uid === 0 || parent.uid === process.getuid?.()
  if (!trusted || ((parent.mode & OTHERS_WRITE) !== 0 && (parent.mode & STICKY) === 0)) {
    throw new FaultError('OPS-04', `others may rename what lies in ${temporary} (TMPDIR)`)
  }
  const made = mkdtempSync(begin)
  giveTo(made, account)
  rmSync(join(folder, ELSEWHERE), { force: true })
  symlinkSync(made, join(folder, ELSEWHERE))
  return made
}
