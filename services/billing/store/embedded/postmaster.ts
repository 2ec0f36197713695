// What can be known about a PostgreSQL server from outside: its lock file, and whether the process
// named in it is really that server. A pid alone proves nothing: after a crash or in a fresh
// container the same number may belong to anybody.

import { spawnSync } from 'node:child_process'
import { readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { join } from 'node:path'

export interface LockFile {
  readonly pid: number
  readonly port: number
}

/** The first lines of postmaster.pid: pid, data folder, start time, port; null when there is no
 * such file. Source: PostgreSQL, src/include/utils/pidfile.h. */
export function readLockFile(cluster: string): LockFile | null {
  try {
    const lines = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n')
    const [pid, port] = [Number(lines[0]), Number(lines[3])]
    return Number.isSafeInteger(pid) && pid > 0 ? { pid, port } : null
  } catch {
    return null
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** True when process `pid` is a postgres that works in `cluster` (each one's working directory is
 * its data folder). A zombie no longer has a working directory: it counts as gone. */
export function isServerOf(pid: number, cluster: string): boolean {
  if (!exists(pid)) return false
  if (process.platform === 'linux') {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(cluster)
    } catch {
      return false
    }
  }
  if (process.platform === 'win32') return true
  const command = spawnSync('ps', ['-p', String(pid), '-o', 'command='], {
    encoding: 'utf8',
  }).stdout
  return command.includes('postgres') && command.includes(cluster)
}

/** The live server of `cluster`, or null. */
export function liveServer(cluster: string): LockFile | null {
  const lock = readLockFile(cluster)
  return lock !== null && isServerOf(lock.pid, cluster) ? lock : null
}
