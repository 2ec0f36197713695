// A disk that a test can fill.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import type { TestContext } from 'node:test'

/** Mounts 8 MB on `folder`; false, and the test skipped, where mounting is not permitted. Only root
 * may mount, and a container may forbid it even to root: there it is a failure when REQUIRE_PEERS
 * is set. */
export function mountSmallDisk(t: TestContext, folder: string): boolean {
  mkdirSync(folder, { recursive: true })
  if (process.getuid?.() !== 0) {
    t.skip('only root may mount a small disk')
    return false
  }
  const words = ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder]
  const { status, stderr } = spawnSync('mount', words, { encoding: 'utf8' })
  if (status === 0) return true
  assert.notEqual(process.env['REQUIRE_PEERS'], '1', stderr)
  t.skip('mounting a tmpfs is not permitted here')
  return false
}

export function unmount(folder: string): void {
  const { status, stderr } = spawnSync('umount', [folder], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
}

/** Writes to a file until nothing more fits. */
export function fill(file: string): void {
  try {
    for (let kilobytes = 0; kilobytes < 8_192; kilobytes += 1) {
      writeFileSync(file, new Uint8Array(1_024), { flag: 'a' })
    }
  } catch {
    // Full, as wanted.
  }
}
