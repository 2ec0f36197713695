import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Reader, Writer } from '../../../shared/bytes.ts'

test('a Writer grows in the middle of any field, wherever its buffer happens to end', () => {
  for (let before = 50; before <= 70; before += 1) {
    const written = new Writer()
      .bytes(new Uint8Array(before))
      .u32(0x01020304)
      .u16(0x0506)
      .u8(7)
      .i8(-8)
      .u48(9)
      .u64(10)
      .done()
    const reader = new Reader(written)
    reader.bytes(before)
    const fields = [
      reader.u32(),
      reader.u16(),
      reader.u8(),
      reader.i8(),
      reader.u48(),
      reader.u64(),
    ]
    assert.deepEqual(fields, [0x01020304, 0x0506, 7, -8, 9, 10])
    assert.ok(reader.whole)
  }
})

test('a Reader hands out copies even when it reads a Buffer, whose slice() would be a view', () => {
  const source = Buffer.from([1, 2, 3])
  const taken = new Reader(source).bytes(2)
  source[0] = 9
  assert.deepEqual(taken, Uint8Array.of(1, 2))
})
