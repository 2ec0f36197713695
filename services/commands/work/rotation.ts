// `ticklock rotate-key` and `rotate-wrap`: new keys for the running head-end, which checks its key
// folder every second.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { FaultError } from '../../../shared/node/fault-error.ts'
import { nodeSuite } from '../../../shared/node/node-suite.ts'
import { masterKeyTag } from '../../../shared/tves/handshake.ts'
import { missingDevices, olderKeys } from '../../billing/fleet/db/master-keys.ts'
import { withDatabase } from './database.ts'
import { acceptUnboundOnce } from '../../master/shell/keys/bound-rows.ts'
import { requestRotation, rotationRequested } from '../../master/shell/keys/key-keeper.ts'
import {
  addStaticKey,
  eraseOldStaticKeys,
  openKeyStore,
} from '../../master/shell/keys/key-store.ts'
import type { Settings } from '../../settings.ts'

/** Most names printed; the rest is counted. */
const NAMES_MAX = 1_000
/** How long rotate-wrap waits for the head-end, milliseconds. */
const WAIT_MS = 60_000
const LOOK_MS = 100

const foldersOf = ({ dataFolder }: Settings): string => {
  const folder = join(dataFolder, 'keys')
  if (!existsSync(folder)) throw new FaultError('OPS-12', `${folder} is no key folder`)
  return folder
}

/** A second static key. OPS-12 while there are two. */
export function makeNewKey(settings: Settings): void {
  addStaticKey(foldersOf(settings))
  console.log('A new static key is made; a running head-end takes it within two seconds.')
  console.log(
    'Devices go over to it one by one: "ticklock rotate-key --status" lists those that have not.',
  )
}

/** Prints which devices still need the old static key. */
export async function printRotation(settings: Settings): Promise<void> {
  const { staticKeys } = openKeyStore(foldersOf(settings))
  const [{ publicKey }] = staticKeys
  const tag = masterKeyTag(nodeSuite, publicKey)
  if (staticKeys.length === 1) {
    console.log(`One static key is held, ${tag.toHex()}; no rotation is under way.`)
    return
  }
  await withDatabase(settings, async ({ kysely }) => {
    const names = await missingDevices(kysely, tag)
    const { tokens } = await olderKeys(kysely, tag)
    console.log(`Two static keys are held; ${tag.toHex()} is the newest.`)
    console.log(`${names.length} devices have not confirmed it, ${tokens} open tokens are older.`)
    for (const name of names.slice(0, NAMES_MAX)) console.log(`  ${name}`)
    if (names.length > NAMES_MAX) console.log(`  and ${names.length - NAMES_MAX} more`)
  })
}

/** Destroys the old static key, even if devices still need it. OPS-12 when there is only one. */
export function giveUpOldKey(settings: Settings): void {
  const folder = foldersOf(settings)
  if (openKeyStore(folder).staticKeys.length === 1) {
    throw new FaultError('OPS-12', 'only one static key is held')
  }
  eraseOldStaticKeys(folder)
  console.log('The old static key is destroyed. Devices that never learned the new one, and tokens')
  console.log('made before it, need a new token ("ticklock device NAME").')
}

/** The next start binds the rows of a backup that an earlier version made. */
export function acceptUnbound(settings: Settings): void {
  acceptUnboundOnce(foldersOf(settings))
  console.log(
    'The next start of the head-end takes secrets that are bound to no row, and binds them.',
  )
  console.log('Somebody who wrote to the database before then could exchange two devices.')
}

/** Asks the running head-end to wrap all key trees anew. OPS-08 when none does so in time. */
export async function wrapAnew(settings: Settings): Promise<void> {
  const folder = foldersOf(settings)
  requestRotation(folder)
  for (let waited = 0; waited < WAIT_MS; waited += LOOK_MS) {
    await wait(LOOK_MS)
    if (rotationRequested(folder)) continue
    console.log('The key trees are wrapped with a new key; the old one is destroyed.')
    return
  }
  throw new FaultError(
    'OPS-08',
    'no head-end has done it yet; it will when it runs with its database',
  )
}
