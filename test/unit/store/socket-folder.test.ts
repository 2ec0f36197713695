// The Unix socket lies where nobody else can be; no foreign folder makes us fall back to TCP.

import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  findSocketFolder,
  socketFolder,
} from '../../../services/billing/store/embedded/socket-folder.ts'

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'ticklock-s-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

/** A folder whose own socket path would be too long. */
function deepFolder(t: TestContext): string {
  const folder = join(temporaryFolder(t), 'a'.repeat(100))
  mkdirSync(folder)
  return folder
}

const isPrivate = (folder: string): boolean => (lstatSync(folder).mode & 0o777) === 0o700

test('the socket lies in the folder of the database, closed to others', (t) => {
  const folder = temporaryFolder(t)
  assert.equal(findSocketFolder(folder, {}), null, 'looking makes nothing')
  assert.equal(socketFolder(folder, {}), join(folder, 'socket'))
  assert.ok(isPrivate(join(folder, 'socket')))
  assert.equal(findSocketFolder(folder, {}), join(folder, 'socket'))
})

test('where that path is too long it gets a random name, which the folder notes', (t) => {
  const [folder, shared] = [deepFolder(t), temporaryFolder(t)]
  chmodSync(shared, 0o1777)
  const first = socketFolder(folder, {}, shared)
  assert.ok(first !== null && isPrivate(first))
  assert.match(first, /\/ticklock-\w{6}$/)
  assert.equal(socketFolder(folder, {}, shared), first, 'the next start finds it')
  assert.equal(findSocketFolder(folder, {}), first)

  // A cleaner of temporary folders took it, and somebody else the name.
  rmSync(first, { recursive: true })
  mkdirSync(first, { mode: 0o777 })
  chmodSync(first, 0o777)
  assert.equal(findSocketFolder(folder, {}), null)
  const second = socketFolder(folder, {}, shared)
  assert.ok(second !== null && second !== first && isPrivate(second), 'another one, not TCP')
  assert.equal(readlinkSync(join(folder, 'socket-elsewhere')), second)
})

test('a folder that others may write or that is a link is never used (OPS-04)', (t) => {
  const open = temporaryFolder(t)
  mkdirSync(join(open, 'socket'))
  chmodSync(join(open, 'socket'), 0o755)
  assert.throws(() => socketFolder(open, {}), { code: 'OPS-04' })

  const linked = temporaryFolder(t)
  symlinkSync(temporaryFolder(t), join(linked, 'socket'))
  assert.throws(() => socketFolder(linked, {}), { code: 'OPS-04' })

  const foreign = temporaryFolder(t)
  socketFolder(foreign, {})
  assert.throws(
    () => socketFolder(foreign, { uid: 4_242 }),
    { code: 'OPS-04' },
    'of another account',
  )

  const shared = temporaryFolder(t)
  chmodSync(shared, 0o777)
  const deep = deepFolder(t)
  assert.throws(() => socketFolder(deep, {}, shared), { code: 'OPS-04' }, 'no sticky bit')
  assert.throws(() => socketFolder(deep, {}, deep), { code: 'OPS-04' }, 'too long itself')
  assert.equal(existsSync(join(deep, 'socket-elsewhere')), false)
})
