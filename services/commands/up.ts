import { openLog } from '../../shared/node/log.ts'
import { subCommand } from './sub-command.ts'
import { untilStopped } from './until-stopped.ts'

export const up = subCommand({
  name: 'up',
  usage: '',
  about: 'head-end and billing server on this machine',
  details: [],
  options: {},
  wordsMax: 0,
  run: startUp,
})

async function startUp(): Promise<void> {
  const { baseUrlOf, startHeadEnd } = await import('../head-end.ts')
  const { firstSetupLink } = await import('../billing/main.ts')
  const { readSettings } = await import('../settings.ts')
  const { mailFrom, smsFrom, utilityFrom } = await import('./work/utility.ts')
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
    log: openLog({ pretty: process.stdout.isTTY, nowMs: () => performance.now() }),
  })
  untilStopped(async () => (await starting).close())
  const headEnd = await starting
  const url = baseUrlOf(settings)
  console.log(`Ticklock is up: ${url}   slaves: tcp ${settings.tcpPort}, ws ${settings.wsPort}`)
  const setup = await firstSetupLink(headEnd.billing, url)
  if (setup !== null) console.log(`Make the first operator here (once, within a day): ${setup}`)
}
