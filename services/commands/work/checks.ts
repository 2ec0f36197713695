// `ticklock doctor`: checks what a start needs, and names the remedy for what is missing.

import { accessSync, constants, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { errorText, FaultError } from '../../../shared/node/fault-error.ts'
import { openDatabase, serverVersion } from '../../billing/store/pool.ts'
import { databaseAccount, usableBinaries } from '../../billing/store/embedded/postgres-binaries.ts'
import { openDataFolder } from '../../head-end.ts'
import { portFree, portsOf } from '../../ports.ts'
import { readSettings, type Settings } from '../../settings.ts'
import type { Environment } from '../../variables.ts'
import { NO_ENVIRONMENT } from '../../billing/utility/core/environment.ts'
import { utilityFrom } from './utility.ts'

/** Below this a month of readings and the database's own log may not fit, bytes. */
const FREE_BYTES_MIN = 1_073_741_824

/** Prints one line per check; 0 when all is well, else 1. */
export async function runChecks(env: Environment): Promise<number> {
  let failures = 0
  const check = async (name: string, work: () => Promise<string> | string): Promise<void> => {
    try {
      console.log(`ok    ${name}: ${await work()}`)
    } catch (error) {
      failures += 1
      console.log(
        `FAIL  ${name}: ${error instanceof FaultError ? error.message : errorText(error)}`,
      )
    }
  }
  await check('Node', () => process.version)
  let settings: Settings | null = null
  await check('settings', () => {
    settings = readSettings(env)
    return 'readable'
  })
  if (settings !== null) await checkSettings(env, settings, check)
  return failures === 0 ? 0 : 1
}

async function checkSettings(
  env: Environment,
  settings: Settings,
  check: (name: string, work: () => Promise<string> | string) => Promise<void>,
): Promise<void> {
  const { host, timeSources, dataFolder, databaseUrl, publicUrl, trustedProxies } = settings
  let utility = NO_ENVIRONMENT
  await check('mail and SMS', () => {
    utility = utilityFrom(env, settings)
    const { mail, sms } = utility
    const set = [...(mail === null ? [] : ['mail']), ...(sms === null ? [] : ['SMS'])]
    return set.length === 0
      ? 'not set here: the pages Mail and SMS of the Settings say it, and until then notices wait'
      : `set for ${set.join(' and ')}; the pages Mail and SMS of the Settings send a test`
  })
  await check('utility', () => {
    const { name } = utility.profile
    return name === undefined
      ? 'not named here: the page Settings says it, and until then no bill is issued (BIL-19)'
      : `named by ${name.by}`
  })
  await check('public address', () => {
    const believed = trustedProxies.length === 0 ? 'no proxy' : trustedProxies.join(', ')
    const address = publicUrl ?? 'not set here: the page Settings says it, until then notices wait'
    return `${address}; trusted: ${believed}`
  })
  for (const port of portsOf(settings)) {
    const kind = port.kind === 'UDP' ? 'UDP port' : 'port'
    await check(`${kind} ${port.number} (${port.use})`, async () => {
      await portFree(host, port)
      return 'free'
    })
  }
  await check('time', () =>
    timeSources.length === 0
      ? "this machine's clock, as good as TICKLOCK_CLOCK_BOUND_MS says"
      : timeSources.map(({ name }) => name).join(', '),
  )
  await check('data folder', () => {
    openDataFolder(dataFolder)
    try {
      accessSync(dataFolder, constants.W_OK)
    } catch {
      throw new FaultError('OPS-04', dataFolder)
    }
    return dataFolder
  })
  await check('disk', () => {
    const { bavail, bsize } = statfsSync(dataFolder)
    const free = bavail * bsize
    if (free < FREE_BYTES_MIN)
      throw new FaultError('OPS-06', `${Math.floor(free / 2 ** 20)} MiB free`)
    return `${Math.floor(free / 2 ** 30)} GiB free`
  })
  await check('PostgreSQL', async () => {
    if (databaseUrl === null) {
      const folder = join(dataFolder, 'postgresql')
      return `embedded, ${usableBinaries(folder, databaseAccount()).postgres}`
    }
    const db = openDatabase(databaseUrl, () => undefined)
    try {
      return `DATABASE_URL, ${await serverVersion(db.pool)}`
    } catch (error) {
      throw new FaultError('OPS-08', errorText(error))
    } finally {
      await db.close()
    }
  })
}
