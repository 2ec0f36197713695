import { existsSync, mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { errorCode } from './fault-error.ts'

/** Makes a folder and those above it that are missing, each of this mode; one that is there stays
 * as it is. Throws the system's error. Not `mkdirSync` with `recursive`: where a parent exists and
 * yet the system answers ENOENT (under /proc), that never returns (seen with Node 26). */
export function makeFolders(path: string, mode: number): void {
  const missing: string[] = []
  for (let at = resolve(path); !existsSync(at); at = dirname(at)) missing.unshift(at)
  for (const folder of missing) {
    try {
      mkdirSync(folder, { mode })
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error
    }
  }
}
