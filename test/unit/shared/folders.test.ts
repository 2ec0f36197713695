import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeFolders } from '../../../shared/node/folders.ts'

test('folders are made with those above them, and making them twice changes nothing', () => {
  const root = mkdtempSync(join(tmpdir(), 'ticklock-folders-'))
  try {
    const deep = join(root, 'a', 'b')
    makeFolders(deep, 0o711)
    makeFolders(deep, 0o700)
    assert.equal(statSync(deep).mode & 0o777, 0o711)
    assert.equal(statSync(join(root, 'a')).mode & 0o777, 0o711)
  } finally {
    rmSync(root, { recursive: true })
  }
})

test('a place where no folder can be made is an error, not a wait without end', {
  skip: process.platform === 'linux' ? false : 'only Linux has /proc',
}, () => {
  assert.throws(() => makeFolders('/proc/ticklock/data', 0o700), /ENOENT/)
})
