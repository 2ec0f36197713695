import { spanUs } from '../../shared/units.ts'
import { misused, subCommand } from './sub-command.ts'
import { untilStopped } from './until-stopped.ts'

export const slave = subCommand({
  name: 'slave',
  usage: '[FILE]',
  about: 'the agent beside the meters',
  details: [['--config FILE', 'its configuration; FILE alone says the same']],
  options: { config: { type: 'string' } },
  wordsMax: 1,
  run: ({ config }, [file]) => startSlave(config ?? file),
})

async function startSlave(config: string | undefined): Promise<void> {
  if (config === undefined) throw misused(slave, 'its configuration file is missing')
  const { runSlave } = await import('../slave/main.ts')
  const running = await runSlave(config)
  // Only the process that started us holds this channel, and only the demo starts slaves.
  process.on('message', (message) => {
    if (typeof message !== 'object' || message === null || !('pullClockUs' in message)) return
    const { pullClockUs } = message
    if (typeof pullClockUs === 'number') running.pullClock(spanUs(pullClockUs))
  })
  untilStopped(() => running.stop())
}
