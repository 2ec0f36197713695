import { FaultError } from '../../shared/node/fault-error.ts'
import { openLog } from '../../shared/node/log.ts'
import { subCommand } from './sub-command.ts'
import { untilStopped } from './until-stopped.ts'

export const demo = subCommand({
  name: 'demo',
  usage: '',
  about: "the whole way on this machine: a hundred simulated meters, last month's bills",
  details: [['--upset clock', 'and then a slave whose clock jumps three minutes ahead']],
  options: { upset: { type: 'string' } },
  wordsMax: 0,
  run: ({ upset }) => runDemo(upset),
})

async function runDemo(upset: string | undefined): Promise<void> {
  if (upset !== undefined && upset !== 'clock') {
    throw new FaultError('OPS-12', `--upset ${upset}: only "clock" can be upset`)
  }
  const { startDemo } = await import('../simulator/main.ts')
  const { readSettings } = await import('../settings.ts')
  const settings = readSettings(process.env)
  console.log('Ticklock demo: starting PostgreSQL, the head-end and five slaves ...')
  const log = openLog({ pretty: process.stdout.isTTY, nowMs: () => performance.now() })
  const starting = startDemo(settings, log)
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
                    Board: last month is billed as its back-fill completes, within a minute; two are
                    held until somebody sets the clocks of their meters (BIL-21)
                    ${url}/api/v1/summary
  Data              ${settings.dataFolder}   (a second start goes on from here)
  Stop              Ctrl-C
`)
  if (upset === 'clock') running.upsetClock((line) => console.log(`  ${line}\n`))
}
