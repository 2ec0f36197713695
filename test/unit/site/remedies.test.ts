// Every remedy is somewhere: its page opens, its command is one that help knows.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPasswords } from '../../../services/billing/access/shell/passwords.ts'
import { REMEDIES } from '../../../services/billing/kit/remedies.ts'
import { buildApp } from '../../../services/billing/site/http/app.ts'
import { COMMANDS } from '../../../services/commands/table.ts'
import { FAULT_CODES } from '../../../shared/faults.ts'
import { Browser } from '../../fixtures/web-browser.ts'
import { createWorld } from '../../fixtures/web-world.ts'

const PASSWORD = 'correct horse battery'

test('the remedy of every code is a page that opens, or a command', async () => {
  const world = createWorld()
  const password = await createPasswords().hash(PASSWORD, Buffer.alloc(16, 7))
  world.operators.set('ada', { id: 1, password })
  const app = await buildApp(world.deps)
  try {
    const browser = new Browser(app)
    await browser.post('/login', { name: 'ada', password: PASSWORD })
    const answers = new Map<string, number>()
    const commands = new Set(COMMANDS.map(({ name }) => name))
    const wrong: string[] = []
    for (const code of FAULT_CODES) {
      const remedy = REMEDIES[code]
      if ('command' in remedy) {
        if (!commands.has(remedy.command)) wrong.push(`${code}: ticklock ${remedy.command}`)
        continue
      }
      const status = answers.get(remedy.page) ?? (await browser.get(remedy.page)).statusCode
      answers.set(remedy.page, status)
      if (status !== 200) wrong.push(`${code}: ${remedy.page} answers ${status}`)
    }
    assert.deepEqual(wrong, [])
  } finally {
    await app.close()
  }
})
