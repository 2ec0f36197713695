// Runs `ticklock attack` beside the demo and keeps its output, line by line.

import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { packageRoot } from '../../shared/node/root.ts'

const lineShape = z.object({
  name: z.string(),
  tries: z.string(),
  sent: z.number(),
  refusedBy: z.array(z.string()),
  rowsAdded: z.number(),
  moved: z.boolean(),
  microsEach: z.number().nullable(),
  ok: z.boolean(),
  note: z.string(),
})
type AttackLine = z.infer<typeof lineShape>

export interface Attacker {
  run(): { readonly running: boolean; readonly lines: readonly AttackLine[] }
  /** Does nothing while one runs. */
  start(): void
  close(): Promise<void>
}

export function startAttacker(): Attacker {
  let child: ChildProcess | null = null
  let lines: AttackLine[] = []
  return {
    run: () => ({ running: child !== null, lines }),
    start: () => {
      if (child !== null) return
      lines = []
      // With a channel to us, so that it ends when we do.
      const started = spawn(
        process.execPath,
        [join(packageRoot(), 'bin/ticklock.js'), 'attack', '--json'],
        { stdio: ['ignore', 'pipe', 'ignore', 'ipc'], detached: true },
      )
      child = started
      if (started.stdout !== null) {
        createInterface({ input: started.stdout }).on('line', (text) => {
          const line = read(text)
          if (line !== null) lines = [...lines, line]
        })
      }
      const over = (): void => {
        if (child === started) child = null
      }
      started.once('error', over)
      started.once('exit', over)
    },
    close: async () => {
      const running = child
      if (running === null) return
      const ended = new Promise<void>((resolve) => running.once('exit', () => resolve()))
      running.kill('SIGTERM')
      await ended
    },
  }
}

function read(text: string): AttackLine | null {
  try {
    return lineShape.parse(JSON.parse(text))
  } catch {
    return null
  }
}
