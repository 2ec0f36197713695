// Master and billing in one process: what `up` and `demo` share.

import { join } from 'node:path'
import { makeFolders } from '../shared/node/folders.ts'
import { errorText, FaultError } from '../shared/node/fault-error.ts'
import {
  HANDSHAKES_IN_FLIGHT_PER_SOURCE,
  HANDSHAKES_PER_DEVICE,
  HANDSHAKES_PER_DEVICE_ELSEWHERE,
} from '../shared/wire/limits.ts'
import { type BillingOptions, type RunningBilling, runBilling } from './billing/main.ts'
import type { HandshakeLimits } from './master/core/flood.ts'
import { type RunningMaster, runMaster } from './master/main.ts'
import { type KeyStore, openKeyStore } from './master/shell/keys/key-store.ts'
import { TreeKeys } from './master/shell/keys/tree-keys.ts'
import { portFree, portsOf } from './ports.ts'
import type { Settings } from './settings.ts'
import { isThisMachine } from './billing/utility/core/services.ts'
import { newDevice, newToken, TOKEN_LIFE_DAYS } from './enrolment-token.ts'
import { unixMs } from '../shared/units.ts'

/** Most links of one head-end process; a usual limit of open files is 20,000. */
const CONNECTIONS_MAX = 15_000
/** The demo's slaves share an address, and may be killed and restarted at any rate. */
const DEMO_HANDSHAKES = 6_000

export interface HeadEnd {
  readonly billing: RunningBilling
  readonly master: RunningMaster
  readonly keys: KeyStore
  close(): Promise<void>
}

export type HeadEndOptions = Pick<
  BillingOptions,
  'utility' | 'inbox' | 'attacks' | 'backfill' | 'demo' | 'log'
>

/** Where the pages are on this machine, whatever stands in front of them. */
export const localUrlOf = ({ host, httpPort }: Settings): string =>
  `http://${host === '127.0.0.1' || host === '0.0.0.0' ? 'localhost' : host}:${httpPort}`

/** Where people find the pages: every link begins with it. */
export const baseUrlOf = (settings: Settings): string => settings.publicUrl ?? localUrlOf(settings)

/** Rejects with a FaultError that names what to do: OPS-03 a port is taken, OPS-04, 07 to 10,
 * 13. */
export async function startHeadEnd(settings: Settings, options: HeadEndOptions): Promise<HeadEnd> {
  const { host, httpPort, tcpPort, wsPort, dataFolder, databaseUrl, ownerUrl } = settings
  // Before the database is touched: a taken port is the commonest mistake, mostly a second start.
  for (const port of portsOf(settings)) await portFree(host, port)
  openDataFolder(dataFolder)
  const keys = openKeyStore(join(dataFolder, 'keys'))
  const billing = await runBilling({
    ...options,
    secrets: keys,
    slaves: slavesOf(settings, keys),
    dataFolder,
    databaseUrl,
    ownerUrl,
    http: { host, port: httpPort },
    baseUrl: baseUrlOf(settings),
    trustedProxies: settings.trustedProxies,
  })
  try {
    const master = await runMaster({
      keys,
      trees: new TreeKeys(keys.folder, Date.now()),
      roster: billing.roster,
      commands: billing.commands,
      sink: billing.sink,
      board: billing.board,
      tcp: { host, port: tcpPort },
      ws: { host, port: wsPort },
      toleranceSeconds: settings.toleranceSeconds,
      clockBoundUs: settings.clockBoundUs,
      time: {
        ntp: settings.ntpPort === 0 ? null : { host, port: settings.ntpPort },
        sources: settings.timeSources,
        authorities: settings.timeAuthorities,
        driftFile: join(dataFolder, 'clock.drift'),
      },
      connectionsMax: CONNECTIONS_MAX,
      handshakeLimits: limitsOf(options.demo ? DEMO_HANDSHAKES : settings.handshakesPerSource),
      log: (code, detail) => options.log.fault(code, detail),
      say: (line) => options.log.info(line),
    })
    return {
      billing,
      master,
      keys,
      close: async () => {
        await master.close()
        await billing.close()
      },
    }
  } catch (error) {
    await billing.close()
    throw error
  }
}

/** Where slaves call, and how they get their tokens. */
function slavesOf({ host, tcpPort, wsPort }: Settings, keys: KeyStore): BillingOptions['slaves'] {
  const at = () => unixMs(Date.now())
  return {
    door: { tcpPort, wsPort, reachable: !isThisMachine(host), tokenDays: TOKEN_LIFE_DAYS },
    newToken: (db, device) => newToken(db, keys, device, at()),
    newDevice: (db, device) => newDevice(db, keys, device, at()),
  }
}

/** Raises every limit of one address, for slaves that share one (behind a mobile network, say). */
const limitsOf = (perSource: number): Partial<HandshakeLimits> => ({
  perSource,
  perDevice: Math.max(HANDSHAKES_PER_DEVICE, Math.ceil(perSource / 6)),
  perDeviceElsewhere: Math.max(HANDSHAKES_PER_DEVICE_ELSEWHERE, Math.ceil(perSource / 2)),
  inFlightPerSource: Math.max(HANDSHAKES_IN_FLIGHT_PER_SOURCE, perSource),
})

/** Makes the data folder. Other users may pass through it but not list it: if we run as root,
 * PostgreSQL runs as another user. OPS-04. */
export function openDataFolder(folder: string): void {
  try {
    makeFolders(folder, 0o711)
  } catch (error) {
    throw new FaultError('OPS-04', errorText(error))
  }
}
