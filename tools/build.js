// Builds everything that runs: an empty dist, TypeScript 7 for services, shared and test, esbuild
// for the few browser islands. Takes about two seconds, so every npm script that needs it calls it.
import { spawnSync } from 'node:child_process'
// The default import: a named one that Node 20 lacks would fail before the version check can speak.
import fs from 'node:fs'
import { fileURLToPath } from 'node:url'
import { requireNode } from './node-version.js'

requireNode()
const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)
// A command beside a running server must not take its files away: it builds only what is missing.
if (process.argv.includes('--if-missing') && fs.existsSync('dist/services/cli.js')) process.exit(0)
fs.rmSync('dist', { recursive: true, force: true })

const tsc = spawnSync(
  process.execPath,
  ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'],
  { stdio: 'inherit' },
)
if (tsc.status !== 0) process.exit(tsc.status ?? 1)

const islands = fs.globSync('services/billing/kit/islands/*.{ts,tsx}')
if (islands.length > 0) {
  const { build } = await import('esbuild')
  await build({
    entryPoints: islands,
    outdir: 'dist/islands',
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    logLevel: 'warning',
  })
}
