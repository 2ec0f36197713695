// `ticklock enrol`: a whole delivery of devices from one CSV file.

import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toHex } from '../../../shared/bytes.ts'
import { csvLine } from '../../../shared/documents/csv.ts'
import type { SecretPlace } from '../../../shared/handover/roster.ts'
import { decodeText, isEncoding } from '../../../shared/documents/text.ts'
import { errorCode, errorText, FaultError } from '../../../shared/node/fault-error.ts'
import { nodeRandom, nodeSuite } from '../../../shared/node/node-suite.ts'
import { Secret } from '../../../shared/secret.ts'
import { masterKeyTag } from '../../../shared/tves/handshake.ts'
import { encodeToken, fingerprint } from '../../../shared/tves/token.ts'
import { shiftMs, type UnixMs, unixMs } from '../../../shared/units.ts'
import { historyFrom } from '../../billing/civil/calendar.ts'
import { enrolDevices, knownNames } from '../../billing/fleet/db/enrolment.ts'
import type { Db } from '../../billing/store/pool.ts'
import { NO_ENVIRONMENT } from '../../billing/utility/core/environment.ts'
import { zoneOf } from '../../billing/utility/core/profile.ts'
import { readUtility } from '../../billing/utility/db/profile.ts'
import { TOKEN_LIFE, TOKEN_LIFE_DAYS } from '../../enrolment-token.ts'
import { type KeyStore, openKeyStore } from '../../master/shell/keys/key-store.ts'
import type { Settings } from '../../settings.ts'
import { withDatabase } from './database.ts'
import { type ListedDevice, readDeviceList } from './device-list.ts'
import { type Label, labelPage } from '../../billing/fleet/pages/token-labels.ts'

export interface EnrolOptions {
  /** Where the tokens go. */
  readonly out: string
  /** A page of labels to print; null: none. */
  readonly labels: string | null
  /** Leave out names that exist, rather than refuse the file. */
  readonly skipExisting: boolean
}

export interface ListFile {
  readonly path: string
  /** As the operator names it; null: UTF-8, or what the file's byte order mark says. */
  readonly encoding: string | null
}

/** `ticklock enrol FILE.csv`: all its devices in one transaction, or none. OPS-05 what is wrong
 * with the file, OPS-04 a file that cannot be written or exists already. */
export async function enrolList(
  settings: Settings,
  file: ListFile,
  options: EnrolOptions,
): Promise<void> {
  const now = unixMs(Date.now())
  const text = textOf(file)
  // Before the database is asked: what is wrong with the file is said at once.
  readDeviceList(text, { historyFrom: now, zone: settings.zone ?? 'UTC' })
  await withDatabase(settings, async (db) => {
    const utility = await readUtility(db.kysely, NO_ENVIRONMENT)
    const zone = settings.zone ?? zoneOf(utility)
    const from = historyFrom(now, zone, utility.billedFrom)
    const listed = readDeviceList(text, { historyFrom: from, zone })
    const keys = openKeyStore(join(settings.dataFolder, 'keys'))
    const { labels, skipped } = await enrolAll(db, keys, listed, options, now)
    const names = skipped.length === 0 ? '' : `; there already: ${skipped.join(', ')}`
    const devices = labels.length === 1 ? '1 device' : `${labels.length} devices`
    console.log(`${devices} enrolled${names}`)
    if (labels.length === 0) return
    console.log(
      `Their tokens are in ${options.out}: good for ${TOKEN_LIFE_DAYS} days, for one slave each.`,
    )
    if (options.labels !== null) console.log(`Labels to print: ${options.labels}`)
  })
}

/** Makes the devices of a list and writes their tokens. The files are complete on disk before the
 * database has the first device. */
export async function enrolAll(
  db: Db,
  keys: KeyStore,
  listed: readonly ListedDevice[],
  options: EnrolOptions,
  now: UnixMs,
): Promise<{ readonly labels: readonly Label[]; readonly skipped: readonly string[] }> {
  const known = new Set(
    await knownNames(
      db.kysely,
      listed.map(({ name }) => name),
    ),
  )
  if (known.size > 0 && !options.skipExisting) throw existing([...known])
  const [{ publicKey }] = keys.staticKeys
  const print = fingerprint(nodeSuite, publicKey)
  const made = listed
    .filter(({ name }) => !known.has(name))
    .map((device) => {
      const [id, token, clear] = [nodeRandom(8), nodeRandom(8), new Secret(nodeRandom(16))]
      const text = encodeToken({ id: token, secret: clear, fingerprint: print })
      const label: Label = { name: device.name, device: toHex(id), token: text }
      const place: SecretPlace = { is: 'token', device: label.device, token: toHex(token) }
      return { device: { ...device, id, token, secret: keys.wrap(clear.reveal(), place) }, label }
    })
  const labels = made.map(({ label }) => label)
  const lines = labels.map(({ name, device, token }) => csvLine([name, device, token]))
  const files = [[options.out, `${csvLine(['name', 'device', 'token'])}${lines.join('')}`]]
  if (options.labels !== null) files.push([options.labels, labelPage(labels)])
  const written: string[] = []
  try {
    for (const [path = '', text = ''] of files) {
      writeNew(path, text)
      written.push(path)
    }
    const late = await enrolDevices(
      db.kysely,
      made.map(({ device }) => device),
      { expiresAt: shiftMs(now, TOKEN_LIFE), masterKey: masterKeyTag(nodeSuite, publicKey) },
    )
    if (late.length > 0) throw existing(late)
  } catch (error) {
    for (const path of written) rmSync(path, { force: true })
    throw error
  }
  return { labels, skipped: [...known] }
}

const existing = (names: readonly string[]): FaultError =>
  new FaultError(
    'OPS-05',
    `nothing was enrolled, for these exist already (--skip-existing leaves them out): ${names.join(', ')}`,
  )

function textOf({ path, encoding }: ListFile): string {
  if (encoding !== null && !isEncoding(encoding)) {
    throw new FaultError(
      'OPS-12',
      `--encoding ${encoding}: not known, unlike utf-8 or windows-1252`,
    )
  }
  const decoded = decodeText(bytesOf(path), encoding)
  if (decoded.ok) return decoded.text
  const { line, column, problem } = decoded
  throw new FaultError('OPS-05', `line ${line}, column ${column}: ${problem}`)
}

function bytesOf(path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new FaultError('OPS-05', errorText(error))
  }
}

/** Writes a file that only its owner can read; never overwrites one. */
function writeNew(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'wx', mode: 0o600, flush: true })
  } catch (error) {
    if (errorCode(error) === 'EEXIST') {
      throw new FaultError('OPS-05', `${path} exists: delete it, or name another file`)
    }
    throw new FaultError('OPS-04', errorText(error))
  }
}
