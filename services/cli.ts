// `ticklock COMMAND`: one command, small sub-commands. Each imports what it needs when it is
// called: the slave on a small board must not carry a database client and a PDF writer in memory.

import { parseArgs } from 'node:util'
import { errorCode, FaultError } from '../shared/node/fault-error.ts'
import { openLog } from '../shared/node/log.ts'
import { spanUs } from '../shared/units.ts'
import type { Verdict } from './adversary/trial.ts'

const HELP = `ticklock COMMAND

  demo                  the whole way on this machine: a hundred simulated meters, last month's bills
      [--upset clock]   and then a slave whose clock jumps three minutes ahead
  up                    head-end and billing server on this machine
  slave --config FILE   the agent beside the meters
  device NAME           register a device and print its one-time enrolment token
  enrol FILE.csv        register many (name[,history_from]); their tokens go to a file
      [--out FILE] [--labels FILE.html] [--skip-existing]
  revoke DEVICE         revoke a device; its link is cut within two seconds
  rotate-key            make a new static key of the head-end; devices go over to it
      [--status] [--give-up-old]
  rotate-wrap           wrap all key trees anew now (it happens hourly by itself)
  command DEVICE ...    order a device: read-now [METER], schedule METER SECONDS, sync-clock METER
                        [--expires SECONDS]
  clock [DEVICE]        how right the clocks are: head-end, its sources, slaves; of a device its meters
                        [--json]
  attack                a scripted attacker against slaves and a head-end of its own; exit 1 when
                        anything went through
  doctor                check ports, data folder, Node and PostgreSQL
  help                  this text

Settings by environment: TICKLOCK_HTTP_PORT (8080), TICKLOCK_TCP_PORT (7443), TICKLOCK_WS_PORT (7444),
TICKLOCK_NTP_PORT (7123, UDP), TICKLOCK_TIME_SOURCES (this machine's clock), TICKLOCK_HOST (127.0.0.1), TICKLOCK_DATA (./data), DATABASE_URL; more in docs/operating.md.
`

const log = (pretty: boolean): ReturnType<typeof openLog> =>
  openLog({ pretty, nowMs: () => performance.now() })

async function demo(upset: string | undefined): Promise<void> {
  if (upset !== undefined && upset !== 'clock') throw new FaultError('OPS-12', `--upset ${upset}`)
  const { startDemo } = await import('./simulator/main.ts')
  const { readSettings } = await import('./settings.ts')
  const settings = readSettings(process.env)
  console.log('Ticklock demo: starting PostgreSQL, the head-end and five slaves ...')
  const starting = startDemo(settings, log(process.stdout.isTTY))
  // From the first moment on: Ctrl-C during the start must not leave PostgreSQL behind.
  untilStopped(async () => (await starting).close())
  const running = await starting
  const { url, operator, customerUrl } = running
  console.log(`
  Ticklock is up.   ${url}

  Operator          ${url}/login    name: ${operator.name}   password: ${operator.password}
  A customer        ${customerUrl ?? 'none yet'}
  Inbox             ${url}/inbox    mail and SMS of this demo; nothing leaves this machine

  What to look at   Fleet: five slaves reading a hundred meters, with clock offset and bound
                    Bills: last month is billed as soon as the back-fill is complete (within a minute)
                    ${url}/api/v1/summary
  Data              ${settings.dataFolder}   (a second start goes on from here)
  Stop              Ctrl-C
`)
  if (upset === 'clock') running.upsetClock((line) => console.log(`  ${line}\n`))
}

async function up(): Promise<void> {
  const { baseUrlOf, startHeadEnd } = await import('./head-end.ts')
  const { firstSetupLink } = await import('./billing/main.ts')
  const { mailFrom, readSettings, smsFrom } = await import('./settings.ts')
  const settings = readSettings(process.env)
  const utility = utilityFrom(process.env)
  const starting = startHeadEnd(settings, {
    utility,
    mail: mailFrom(process.env, utility.name),
    sms: smsFrom(process.env),
    inbox: null,
    attacks: null,
    backfill: async () => null,
    demo: false,
    log: log(process.stdout.isTTY),
  })
  untilStopped(async () => (await starting).close())
  const headEnd = await starting
  const url = baseUrlOf(settings)
  console.log(`Ticklock is up: ${url}   slaves: tcp ${settings.tcpPort}, ws ${settings.wsPort}`)
  const setup = await firstSetupLink(headEnd.billing, url)
  if (setup !== null) console.log(`Make the first operator here (once, within a day): ${setup}`)
}

const utilityFrom = (env: NodeJS.ProcessEnv) => ({
  name: env['TICKLOCK_UTILITY'] ?? 'Your utility',
  address: env['TICKLOCK_UTILITY_ADDRESS'] ?? '',
  contact: env['TICKLOCK_UTILITY_CONTACT'] ?? '',
  payment: (env['TICKLOCK_UTILITY_PAYMENT'] ?? '').split('|').filter((line) => line !== ''),
})

async function slave(config: string | undefined): Promise<void> {
  if (config === undefined) throw new FaultError('OPS-12', 'slave needs --config FILE')
  const { runSlave } = await import('./slave/main.ts')
  const running = await runSlave(config)
  // Only who started us holds this channel, and only the demo does.
  process.on('message', (message) => {
    if (typeof message !== 'object' || message === null || !('pullClockUs' in message)) return
    const { pullClockUs } = message
    if (typeof pullClockUs === 'number') running.pullClock(spanUs(pullClockUs))
  })
  untilStopped(() => running.stop())
}

async function enrol(
  file: string | undefined,
  options: { out?: string; labels?: string; 'skip-existing'?: boolean },
): Promise<void> {
  if (file === undefined) throw new FaultError('OPS-12', 'enrol needs a file')
  const { enrolList } = await import('./commands/devices.ts')
  const { readSettings } = await import('./settings.ts')
  await enrolList(readSettings(process.env), file, {
    out: options.out ?? `${file.replace(/\.csv$/i, '')}.tokens.csv`,
    labels: options.labels ?? null,
    skipExisting: options['skip-existing'] ?? false,
  })
}

async function rotateKey(options: { status?: boolean; 'give-up-old'?: boolean }): Promise<void> {
  const { giveUpOldKey, rotateKey: make, rotateKeyStatus } = await import('./commands/rotate.ts')
  const { readSettings } = await import('./settings.ts')
  const settings = readSettings(process.env)
  if (options.status === true) return rotateKeyStatus(settings)
  return options['give-up-old'] === true ? giveUpOldKey(settings) : make(settings)
}

async function attackAll(only: string | null, json: boolean): Promise<void> {
  const { attack, verdictLine } = await import('./adversary/main.ts')
  const { AttackScene } = await import('./adversary/scene.ts')
  const silent = openLog({ pretty: false, nowMs: () => performance.now(), write: () => undefined })
  const opening = AttackScene.open(silent)
  untilStopped(async () => (await opening).close())
  const scene = await opening
  const tell = (verdict: Verdict): void =>
    console.log(json ? JSON.stringify(verdict) : verdictLine(verdict))
  try {
    const all = await attack(scene, tell, only)
    if (!json) console.log(all ? 'all refused' : 'something went through')
    process.exitCode = all ? 0 : 1
  } finally {
    await scene.close()
  }
  // The channel to a demo, if one started us, would keep us alive.
  process.exit()
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      config: { type: 'string' },
      expires: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
      json: { type: 'boolean' },
      out: { type: 'string' },
      labels: { type: 'string' },
      'skip-existing': { type: 'boolean' },
      status: { type: 'boolean' },
      upset: { type: 'string' },
      'give-up-old': { type: 'boolean' },
    },
    allowPositionals: true,
  })
  const [name = 'help', argument] = positionals
  switch (values.help === true ? 'help' : name) {
    case 'demo':
      return demo(values.upset)
    case 'up':
      return up()
    case 'slave':
      return slave(values.config ?? argument)
    case 'device':
    case 'revoke': {
      const { registerDevice, revoke } = await import('./commands/devices.ts')
      const { readSettings } = await import('./settings.ts')
      if (argument === undefined) throw new FaultError('OPS-12', `${name} needs a name`)
      const settings = readSettings(process.env)
      return name === 'device' ? registerDevice(settings, argument) : revoke(settings, argument)
    }
    case 'command': {
      const { command } = await import('./commands/command.ts')
      const { readSettings } = await import('./settings.ts')
      return command(readSettings(process.env), positionals.slice(1), values.expires)
    }
    case 'clock': {
      const { clock } = await import('./commands/clock.ts')
      const { readSettings } = await import('./settings.ts')
      return clock(readSettings(process.env), positionals.slice(1), values.json === true)
    }
    case 'enrol':
      return enrol(argument, values)
    case 'rotate-key':
      return rotateKey(values)
    case 'rotate-wrap': {
      const { rotateWrap } = await import('./commands/rotate.ts')
      const { readSettings } = await import('./settings.ts')
      return rotateWrap(readSettings(process.env))
    }
    case 'attack':
      return attackAll(argument ?? null, values.json === true)
    case 'doctor': {
      const { runDoctor } = await import('./commands/doctor.ts')
      process.exitCode = await runDoctor(process.env)
      return undefined
    }
    case 'help':
      console.log(HELP)
      return undefined
    default:
      throw new FaultError('OPS-12', name)
  }
}

/** Runs until Ctrl-C, SIGTERM, or, for a slave of the demo, until its parent is gone; then ends
 * cleanly. */
function untilStopped(stop: () => Promise<void>): void {
  let stopping = false
  const end = (): void => {
    if (stopping) return
    stopping = true
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error instanceof Error ? error.message : error)
        process.exit(1)
      },
    )
  }
  process.on('SIGINT', end)
  process.on('SIGTERM', end)
  process.on('disconnect', end)
}

try {
  await main()
} catch (error) {
  // parseArgs throws a TypeError for an option it does not know.
  const wrongCall = error instanceof TypeError && errorCode(error).startsWith('ERR_PARSE_ARGS')
  const told = wrongCall ? new FaultError('OPS-12', error.message) : error
  console.error(told instanceof FaultError ? told.message : told)
  process.exit(1)
}
