import { openLog } from '../../shared/node/log.ts'
import { misused, subCommand } from './sub-command.ts'
import { untilStopped } from './until-stopped.ts'

export const attack = subCommand({
  name: 'attack',
  usage: '[NAME]',
  about: 'a scripted attacker against slaves and a head-end of its own; exit 1 on a breach',
  details: [
    ['NAME', 'only the attacks whose name contains it'],
    ['--json', 'one JSON object for each attack'],
  ],
  options: { json: { type: 'boolean' } },
  wordsMax: 1,
  run: ({ json = false }, [only = null]) => attackAll(only, json),
})

async function attackAll(only: string | null, json: boolean): Promise<void> {
  const { attackNames, runAttacks, verdictLine } = await import('../adversary/main.ts')
  const { AttackScene } = await import('../adversary/scene.ts')
  const silent = openLog({ pretty: false, nowMs: () => performance.now(), write: () => undefined })
  if (only !== null && !attackNames().some((name) => name.includes(only))) {
    throw misused(
      attack,
      `no attack's name contains "${only}"; there are ${attackNames().join(', ')}`,
    )
  }
  const opening = AttackScene.open(silent)
  untilStopped(async () => (await opening).close())
  const scene = await opening
  try {
    const all = await runAttacks(
      scene,
      (verdict) => console.log(json ? JSON.stringify(verdict) : verdictLine(verdict)),
      only,
    )
    if (!json) console.log(all ? 'all refused' : 'something went through')
    process.exitCode = all ? 0 : 1
  } finally {
    await scene.close()
  }
  // The channel to a demo, if one started us, would keep us alive.
  process.exit()
}
