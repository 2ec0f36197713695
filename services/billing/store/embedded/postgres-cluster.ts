// The folder of one embedded database: made once, checked at every start.
//
//   cluster/        PostgreSQL's own data folder, made whole or not at all
//   socket/         the Unix socket, 0700: only root and the database's account come in; or
//                   socket-elsewhere, a link, where this path would be too long
//   password        of the owner, 0600; the socket asks for it too, `nobody` is shared
//   password-work   of the role that Ticklock works with (roles.ts), 0600
//   postgres.log    what PostgreSQL says
//   lib/, native-*/ links to its libraries; a copy of the binaries where one is needed

import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chownSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { FaultError, errorCode, errorText } from '../../../../shared/node/fault-error.ts'
import type { Account, Binaries } from './postgres-binaries.ts'
import { OWNER } from './roles.ts'
import { makePrivate } from './socket-folder.ts'

/** The major version of our binaries; a cluster of another one needs pg_upgrade or a dump. */
const MAJOR = '18'

const asFault = (error: unknown): FaultError => {
  if (error instanceof FaultError) return error
  return new FaultError(
    errorCode(error) === 'ENOSPC' ? 'OPS-06' : 'OPS-04',
    errorText(error),
    error,
  )
}

/** The passwords of the owner and of the working role. */
export interface Passwords {
  readonly owner: string
  readonly worker: string
}

/** Made at the first call. OPS-10 when others could read them. */
export function rolePasswords(folder: string): Passwords {
  return { owner: passwordIn(folder, 'password'), worker: passwordIn(folder, 'password-work') }
}

function passwordIn(folder: string, name: string): string {
  const file = join(folder, name)
  try {
    if (!existsSync(file))
      writeFileSync(file, randomBytes(24).toString('base64url'), { mode: 0o600 })
    if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) {
      throw new FaultError('OPS-10', file)
    }
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw asFault(error)
  }
}

/** Runs a program to its end; its output is kept for the fault message. */
function run(
  program: string,
  args: readonly string[],
  options: { readonly account: Account; readonly env: NodeJS.ProcessEnv; readonly cwd: string },
): Promise<{ readonly code: number | null; readonly printed: string }> {
  return new Promise((resolve, reject) => {
    const { account, env, cwd } = options
    const child = spawn(program, args, { ...account, env, cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    let printed = ''
    const keep = (chunk: Buffer) => {
      printed = (printed + chunk.toString()).slice(-4_000)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, printed }))
  })
}

/** Makes `folder`/cluster unless it is there: UTF-8, byte order for text, UTC, passwords by SCRAM.
 * OPS-07 when initdb fails or the cluster is of another major version; OPS-04 and OPS-06 for the
 * folder. */
export async function ensureCluster(options: {
  readonly folder: string
  readonly account: Account
  readonly binaries: Binaries
  readonly password: string
}): Promise<string> {
  const { folder, account, binaries, password } = options
  const cluster = join(folder, 'cluster')
  try {
    if (existsSync(join(cluster, 'PG_VERSION'))) {
      const major = readFileSync(join(cluster, 'PG_VERSION'), 'utf8').trim()
      if (major === MAJOR) return cluster
      throw new FaultError('OPS-07', `${cluster} is of PostgreSQL ${major}, this is ${MAJOR}`)
    }
    const fresh = join(folder, 'cluster.new')
    const passwordFile = join(folder, 'cluster.password')
    rmSync(fresh, { recursive: true, force: true })
    makePrivate(fresh, account)
    rmSync(passwordFile, { force: true })
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 })
    if (account.uid !== undefined && account.gid !== undefined) {
      chownSync(passwordFile, account.uid, account.gid)
    }
    const args = ['-D', fresh, '-U', OWNER, '-E', 'UTF8', '--locale=C', '-A', 'scram-sha-256']
    args.push('--locale-provider=builtin', '--builtin-locale=C.UTF-8', `--pwfile=${passwordFile}`)
    const { code, printed } = await run(binaries.initdb, args, {
      account,
      env: binaries.env,
      cwd: process.platform === 'win32' ? folder : '/',
    })
    rmSync(passwordFile, { force: true })
    if (code !== 0) {
      const full = printed.includes('No space left')
      throw new FaultError(full ? 'OPS-06' : 'OPS-07', `initdb: ${printed.trim()}`)
    }
    renameSync(fresh, cluster)
    return cluster
  } catch (error) {
    throw asFault(error)
  }
}
