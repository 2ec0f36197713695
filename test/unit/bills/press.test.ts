// Bills are drawn in a thread: the loop that answers the slaves' clocks is not held, and nobody can
// fill it with drawings.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openPress } from '../../../services/billing/bills/shell/press.ts'
import { contentFor } from '../../fixtures/bill-content.ts'

const BILLS = 30
/** Processor time of this thread for one drawing, milliseconds. On this thread it took 40. */
const OWN_MS_MAX = 5

/** Bills that differ in their number alone. */
const billNo = (number: number) => ({ ...contentFor({}), number: `B2026-${number}` })

function pressWithLog(worker?: URL) {
  const lines: string[] = []
  const press = openPress((_fault, line) => lines.push(line), worker)
  return { lines, press }
}

test('thirty bills cost the loop less than 5 ms of processor time each', async () => {
  const { press, lines } = pressWithLog()
  // The thread starts and reads its fonts.
  assert.equal((await press.draw(billNo(0), null)).ok, true)
  const before = process.threadCpuUsage()
  for (let number = 1; number <= BILLS; number += 1) {
    const drawn = await press.draw(billNo(number), 'customer 1')
    assert.ok(drawn.ok && Buffer.from(drawn.pdf).subarray(0, 5).toString() === '%PDF-')
  }
  const { user, system } = process.threadCpuUsage(before)
  const each = (user + system) / 1_000 / BILLS
  assert.ok(each < OWN_MS_MAX, `${each.toFixed(1)} ms each`)
  await press.close()
  assert.deepEqual(lines, [])
})

test('the same bill is drawn once, however often and by whomever it is asked for', async () => {
  const { press } = pressWithLog()
  const asked = Array.from({ length: BILLS }, () => press.draw(billNo(1), 'customer 1'))
  const [first, ...others] = await Promise.all(asked)
  assert.ok(first?.ok)
  for (const other of others) assert.ok(other.ok && other.pdf === first.pdf)
  const again = await press.draw(billNo(1), 'customer 2')
  assert.ok(again.ok && again.pdf === first.pdf)
  await press.close()
})

test('letters that no font draws are named, and the bill is drawn', async () => {
  const { press, lines } = pressWithLog()
  const customer = { number: 'C', name: 'Asha \u{13000} 王小明', address: 'A' }
  assert.equal((await press.draw({ ...contentFor({ customer }), number: 'B7' }, null)).ok, true)
  await press.close()
  assert.deepEqual(lines, ['bill B7: U+13000'])
})

test('one viewer has 4 drawings in line (OPS-23), all 32 (OPS-32), notices wait', async () => {
  const { press } = pressWithLog()
  const codes = async (asked: ReturnType<typeof press.draw>[]) => {
    const drawn = await Promise.all(asked)
    return drawn.map((each) => (each.ok ? 'drawn' : each.fault))
  }
  const one = Array.from({ length: 6 }, (_, at) => press.draw(billNo(at), 'customer 1'))
  const others = Array.from({ length: 30 }, (_, at) =>
    press.draw(billNo(100 + at), `customer ${10 + at}`),
  )
  const notice = press.draw(billNo(999), null)
  const drawn = (count: number) => Array.from({ length: count }, () => 'drawn')
  assert.deepEqual(await codes(one), [...drawn(4), 'OPS-23', 'OPS-23'])
  assert.deepEqual(await codes(others), [...drawn(28), 'OPS-32', 'OPS-32'])
  assert.deepEqual(await codes([notice]), ['drawn'])
  await press.close()
})

const moduleOf = (code: string): URL => new URL(`data:text/javascript,${encodeURIComponent(code)}`)

test('a thread that ends is named, its drawing is OPS-32, the next has another', async () => {
  const worker = moduleOf(`
    import { parentPort } from 'node:worker_threads'
    parentPort.on('message', ({ do: what, id, bill }) => {
      if (what === 'end') parentPort.close()
      else if (bill.number === 'B2026-1') throw new Error('a bug')
      else parentPort.postMessage({ id, pdf: new Uint8Array(9), missing: [] })
    })`)
  const { press, lines } = pressWithLog(worker)
  const [poison, after] = await Promise.all([
    press.draw(billNo(1), 'customer 1'),
    press.draw(billNo(2), 'customer 2'),
  ])
  assert.deepEqual(poison, { ok: false, fault: 'OPS-32' })
  assert.equal(after.ok, true, 'who stands behind it is served')
  assert.deepEqual(lines, ['its thread: a bug; another one draws the next'])
  await press.close()
  assert.deepEqual(await press.draw(billNo(3), null), { ok: false, fault: 'OPS-32' })
})

test('the thread has no environment, and close() answers who waits', async () => {
  const worker = moduleOf(`
    import { parentPort } from 'node:worker_threads'
    parentPort.on('message', ({ do: what, id }) => {
      if (what === 'end') parentPort.close()
      else parentPort.postMessage({ id, failed: Object.keys(process.env).join() + '.' })
    })`)
  const { press, lines } = pressWithLog(worker)
  assert.equal((await press.draw(billNo(1), null)).ok, false)
  assert.deepEqual(lines, ['bill B2026-1: .'])
  const waiting = press.draw(billNo(2), null)
  await press.close()
  assert.deepEqual(await waiting, { ok: false, fault: 'OPS-32' })
})
