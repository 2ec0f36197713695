#!/usr/bin/env node
import { existsSync } from 'node:fs'
import { requireNode } from '../tools/node-version.js'

requireNode()
const cli = new URL('../dist/services/cli.js', import.meta.url)
if (!existsSync(cli)) {
  console.error('OPS-02 Ticklock is not built yet. Run "npm run build" first.')
  process.exit(1)
}
await import(cli.href)
