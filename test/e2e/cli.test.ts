// What `ticklock` prints when a start fails: the code, the exact cause and the remedy; exit code 1.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from './postgres.ts'
import { freePorts } from './ports.ts'
import { Process } from './whole-way.ts'

async function environment(t: TestContext): Promise<NodeJS.ProcessEnv> {
  const { folder, remove } = temporaryFolder()
  t.after(remove)
  const [http, tcp, ws] = await freePorts(3)
  return {
    TICKLOCK_HTTP_PORT: String(http),
    TICKLOCK_TCP_PORT: String(tcp),
    TICKLOCK_WS_PORT: String(ws),
    TICKLOCK_NTP_PORT: '0',
    TICKLOCK_DATA: folder,
  }
}

const PORTS = ['TICKLOCK_HTTP_PORT', 'TICKLOCK_TCP_PORT', 'TICKLOCK_WS_PORT'] as const

test('a taken port is OPS-03 with the port and the variable, before any database is made', async (t) => {
  const env = await environment(t)
  for (const variable of PORTS) {
    const other = createServer().listen(Number(env[variable]), '127.0.0.1')
    await once(other, 'listening')
    for (const command of ['up', 'demo']) {
      const { code, output } = await new Process([command], env).ended
      assert.equal(code, 1)
      assert.match(output, /OPS-03 port is taken/)
      assert.ok(output.includes(`127.0.0.1:${env[variable]}`) && output.includes(variable), output)
      assert.doesNotMatch(output, /\bat .*\.js/, 'no stack trace')
    }
    await new Promise((closed) => other.close(closed))
  }
  assert.equal(existsSync(join(env['TICKLOCK_DATA'] ?? '', 'postgresql')), false)
})

test('settings and files that are not valid are OPS-05 with the variable, or line and field', async (t) => {
  const env = await environment(t)
  const wrong = await new Process(['up'], { ...env, TICKLOCK_TCP_PORT: '70000' }).ended
  assert.equal(wrong.code, 1)
  assert.match(wrong.output, /OPS-05 .*TICKLOCK_TCP_PORT="70000"/)

  const file = join(env['TICKLOCK_DATA'] ?? '', 'slave.toml')
  writeFileSync(
    file,
    `master = "tcp://127.0.0.1:7443"

[[line]]
url = "tcp://127.0.0.1:4001"
protocol = "sem"
meters = ["1001"]
evry = 5
`,
  )
  const slave = await new Process(['slave', '--config', file], env).ended
  assert.equal(slave.code, 1)
  assert.match(slave.output, /OPS-05 .*slave\.toml line 7, line\[1\]\.evry/)
  const none = await new Process(['slave', '--config', `${file}.none`], env).ended
  assert.equal(none.code, 1)
  assert.match(none.output, /OPS-05 .*ENOENT/)
})

test('a database that does not answer is OPS-08, an unknown command OPS-12', async (t) => {
  const env = await environment(t)
  const [port] = await freePorts(1)
  const url = `postgres://ticklock:secret-word@127.0.0.1:${port}/ticklock`
  for (const words of ['up', 'device attic', 'revoke attic', 'command attic read-now']) {
    const args = words.split(' ')
    const { code, output } = await new Process(args, { ...env, DATABASE_URL: url }).ended
    assert.equal(code, 1, args.join(' '))
    assert.match(output, /OPS-08 database cannot be reached: .*ECONNREFUSED/)
    assert.doesNotMatch(output, /secret-word|\bat .*\.js/)
  }
  const device = await new Process(['device', 'attic'], env).ended
  assert.equal(device.code, 1)
  assert.match(device.output, /OPS-08 .*ticklock up/)
  for (const args of [['lunch'], ['slave'], ['device'], ['up', '--fast']]) {
    const { code, output } = await new Process(args, env).ended
    assert.equal(code, 1, args.join(' '))
    assert.doesNotMatch(output, /\bat .*\.js/, 'no stack trace')
  }
})

test('doctor prints a line per check, and exit code 1 when one fails', async (t) => {
  const env = await environment(t)
  const well = await new Process(['doctor'], env).ended
  for (const check of ['Node', 'settings', 'data folder', 'disk', 'PostgreSQL']) {
    assert.match(well.output, new RegExp(`^(ok|FAIL) +${check}: `, 'm'))
  }
  for (const variable of PORTS) {
    assert.match(well.output, new RegExp(`^ok +port ${env[variable]} .*: free`, 'm'))
  }
  assert.equal(well.code, well.output.includes('FAIL') ? 1 : 0)
  // The page Settings may say it as well, so a start with mail alone is no mistake: mail waits.
  assert.match(well.output, /^ok +public address: not set here: .* until then notices wait/m)

  const other = createServer().listen(Number(env['TICKLOCK_WS_PORT']), '127.0.0.1')
  await once(other, 'listening')
  const taken = await new Process(['doctor'], env).ended
  await new Promise((closed) => other.close(closed))
  assert.equal(taken.code, 1)
  assert.match(taken.output, /^FAIL +port .*OPS-03/m)
})
