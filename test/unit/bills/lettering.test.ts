// Names in the scripts of the world: every letter has a face, and stands where a reader expects it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  isPlain,
  letteringOf,
  linesOf,
  partsOf,
} from '../../../services/billing/bills/shell/lettering.ts'
import { renderBillPdf } from '../../../services/billing/bills/shell/pdf.ts'
import { contentFor } from '../../fixtures/bill-content.ts'

const NAMES = [
  ['Latin', 'Zoë Müller-Łukasz, Đặng Thị Hương'],
  ['Greek and Cyrillic', 'Γιώργος, Наталія Їжак'],
  ['Devanagari', 'आशा पाटील'],
  ['Arabic', 'محمد بن عبد الله'],
  ['Urdu', 'عائشہ قریشی'],
  ['Persian', 'پرویز گلی'],
  ['Hebrew', 'דוד בן־גוריון'],
  ['Bengali', 'রবীন্দ্রনাথ ঠাকুর'],
  ['Gurmukhi', 'ਗੁਰਪ੍ਰੀਤ ਸਿੰਘ'],
  ['Gujarati', 'મોહનદાસ ગાંધી'],
  ['Odia', 'ବିଜୁ ପଟ୍ଟନାୟକ'],
  ['Tamil', 'தமிழ்ச்செல்வன் ஸ்ரீ'],
  ['Telugu', 'నారా చంద్రబాబు'],
  ['Kannada', 'ಕುವೆಂಪು'],
  ['Malayalam', 'കുഞ്ഞുണ്ണി'],
  ['Sinhala', 'මාර්ටින් වික්‍රමසිංහ'],
  ['Thai', 'สมชาย กรุงเทพฯ'],
  ['Lao', 'ສົມຊາຍ'],
  ['Khmer', 'សុខា'],
  ['Burmese', 'အောင်ဆန်း'],
  ['Georgian', 'წერეთელი'],
  ['Armenian', 'Հովհաննես'],
  ['Amharic', 'አበበ ቢቂላ'],
  ['Simplified Chinese', '王小明 张伟 欧阳娜娜'],
  ['Traditional Chinese', '電力公司 陳鬱龍'],
  ['Japanese', '東京電力 さくら カタカナ'],
  ['Korean', '서울특별시 강남구 김민준'],
  ['Emoji', 'Café 🙂 👍🏽 👨‍👩‍👧 ❤️'],
] as const

for (const [script, name] of NAMES) {
  test(`every letter of a name in ${script} has a face`, async () => {
    const { missing } = await letteringOf(name)
    assert.deepEqual(missing, [])
  })
}

test('a letter that no face draws is named', async () => {
  const { missing } = await letteringOf('Asha \u{13000}\u{12000} Patil')
  assert.deepEqual(missing, ['\u{13000}', '\u{12000}'])
})

test("a bill's own words need Noto Sans alone", async () => {
  const text = 'Energy used: 221 kWh × ₹3.46 = 764.66, at “Lakeside” – paid in €'
  const lettering = await letteringOf(text)
  assert.equal(lettering.fonts.size, 0)
  assert.ok(isPlain(lettering, text))
})

const shown = async (text: string): Promise<readonly string[]> => {
  const lettering = await letteringOf(text)
  return partsOf(lettering, text).map((part) => part.text)
}

test('parts of a line stand as they are read (UAX 9)', async () => {
  // The letters of an Arabic or Hebrew part are turned when they are shaped.
  assert.deepEqual(await shown('Flat 12, דוד'), ['Flat 12, ', 'דוד'])
  assert.deepEqual(await shown('דוד 12'), ['12', ' ', 'דוד'])
  assert.deepEqual(await shown('דוד (a)'), ['(', 'a', ') ', 'דוד'])
  assert.deepEqual(await shown('王 & Co'), ['王', ' & Co'])
})

test('a line ends between words, and between Chinese words; what does not fit is cut', () => {
  const measure = (line: string): number => Array.from(line).length
  assert.deepEqual(linesOf('one two three', { width: 7, linesMax: 3, measure }), [
    'one two',
    'three',
  ])
  assert.deepEqual(linesOf('one two three', { width: 7, linesMax: 1, measure }), ['one tw…'])
  assert.deepEqual(linesOf('a\nb', { width: 7, linesMax: 2, measure }), ['a', 'b'])
  const [first = '', second = ''] = linesOf('北京市朝阳区建国门外大街', {
    width: 7,
    linesMax: 2,
    measure,
  })
  assert.equal(`${first}${second}`, '北京市朝阳区建国门外大街')
})

test('names on which a font lacks an anchor are drawn all the same', async () => {
  for (const name of ['ਸਿੰਘ', 'ਅੰਮ੍ਰਿਤਸਰ', 'અંજલિ', 'ഹരി കൃഷ്ണൻ', 'ភ្នំពេញ', 'القُرْآنُۖ', '\u0bbfத', '\\x']) {
    const customer = { number: 'C', name, address: name }
    const missing: string[] = []
    const pdf = await renderBillPdf(contentFor({ customer }), {
      onMissing: (letters) => missing.push(...letters),
    })
    assert.equal(Buffer.from(pdf.subarray(0, 5)).toString(), '%PDF-', name)
    assert.deepEqual(missing, [], name)
  }
})

test('a text far longer than its box is cut before it is measured', {
  timeout: 30_000,
}, async () => {
  for (const letter of ['A', 'த', 'م']) {
    const customer = { number: 'C', name: letter.repeat(10_000), address: letter.repeat(10_000) }
    const pdf = await renderBillPdf(contentFor({ customer }))
    assert.ok(pdf.length < 200_000, `${pdf.length} bytes`)
  }
})
