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
  const { baseUrlOf, localUrlOf, startHeadEnd } = await import('../head-end.ts')
  const { firstSetupLink } = await import('../billing/main.ts')
  const { readSettings } = await import('../settings.ts')
  const { utilityFrom } = await import('./work/utility.ts')
  const settings = readSettings(process.env)
  const starting = startHeadEnd(settings, {
    utility: utilityFrom(process.env, settings),
    inbox: null,
    attacks: null,
    backfill: async () => null,
    demo: false,
    log: openLog({ pretty: process.stdout.isTTY, nowMs: () => performance.now() }),
  })
  untilStopped(async () => (await starting).close())
  const headEnd = await starting
  const { publicUrl, tcpPort, wsPort } = settings
  const front = publicUrl === null ? '' : `, for people ${publicUrl}`
  console.log(
    `Ticklock is up: ${localUrlOf(settings)}${front}   slaves: tcp ${tcpPort}, ws ${wsPort}`,
  )
  if (publicUrl?.startsWith('http:') === true) {
    console.log('TICKLOCK_PUBLIC_URL is plain http: passwords and links cross the network in clear')
  }
  const setup = await firstSetupLink(headEnd.billing, baseUrlOf(settings))
  if (setup !== null) console.log(`Make the first operator here (once, within a day): ${setup}`)
}
