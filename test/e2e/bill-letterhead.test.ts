// What the utility's profile adds to a bill: its legal text inside the content, its logo by hash.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { crc32, deflateSync } from 'node:zlib'
import { issuerOf } from '../../services/billing/bills/core/issuer.ts'
import { readBill } from '../../services/billing/bills/core/bill-reading.ts'
import { mailText } from '../../services/billing/bills/core/notice.ts'
import { mailHtml } from '../../services/billing/bills/pages/bill-mail.ts'
import { renderBillPdf } from '../../services/billing/bills/shell/pdf.ts'
import {
  checkProfile,
  NEW_PROFILE,
  profileValues,
} from '../../services/billing/utility/core/profile.ts'
import { readLogo } from '../../services/billing/utility/shell/logo-file.ts'
import { canonicalJson, hashOf } from '../../shared/documents/canonical.ts'
import { contentFor } from '../fixtures/bill-content.ts'
import { chunk, header, PNG_MAGIC } from '../fixtures/logos.ts'

const LEGAL = 'Registered in Lakeside under 4711.\nComplaints: ombudsman@example.org <now>'
const LOGO = { hash: 'ab'.repeat(32), type: 'image/png', width: 8, height: 8 } as const
const PROFILE = { ...NEW_PROFILE, name: 'Lakeside', legal: LEGAL, logo: LOGO }

const contentOf = (profile: typeof NEW_PROFILE) => {
  const utility = issuerOf(profile)
  assert.ok(utility !== null)
  return contentFor({ utility })
}

test('legal text and logo are inside the content; a bill without them is as it was', () => {
  const content = contentOf(PROFILE)
  assert.deepEqual([content.utility.legal, content.utility.logo], [LEGAL, LOGO.hash])
  const bare = contentOf({ ...NEW_PROFILE, name: 'Lakeside' })
  assert.doesNotMatch(canonicalJson(bare), /legal|logo/)
  for (const each of [content, bare]) {
    const stored: unknown = JSON.parse(canonicalJson(each))
    const read = readBill(stored, hashOf(each))
    assert.ok(read.ok, JSON.stringify(read))
    assert.deepEqual(read.content.utility, each.utility)
  }
})

test('the longest profile that the page takes reads back from a stored bill', () => {
  const long = (most: number) => 'क'.repeat(most)
  const typed = {
    ...profileValues(NEW_PROFILE),
    name: long(80),
    address: long(160),
    contact: long(60),
    legal: `${long(499)}\n${long(400)}`,
    payment: Array.from({ length: 4 }, () => long(60)).join('\n'),
  }
  const verdict = checkProfile(typed)
  assert.ok(verdict.ok)
  const content = contentOf({ ...verdict.profile, logo: LOGO })
  const read = readBill(JSON.parse(canonicalJson(content)), hashOf(content))
  assert.ok(read.ok, JSON.stringify(read))
})

test('the mail carries the legal text, escaped, with its lines', () => {
  const content = contentOf(PROFILE)
  assert.ok(mailText(content, null).text.endsWith(LEGAL))
  const html = mailHtml(content, null)
  assert.match(html, /under 4711\.<br>Complaints: ombudsman@example\.org &lt;now&gt;/)
})

const tool = spawnSync('pdftotext', ['-v']).error === undefined
const skip = !tool && process.env['REQUIRE_PEERS'] !== '1' && 'pdftotext is absent'

function textOf(pdf: Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), 'ticklock-letterhead-'))
  const file = join(folder, 'bill.pdf')
  writeFileSync(file, pdf)
  const { stdout } = spawnSync('pdftotext', ['-layout', file, '-'], { encoding: 'utf8' })
  rmSync(folder, { recursive: true })
  return stdout
}

test('the PDF has the legal text; too long for the first page it gets one of its own', {
  skip,
}, async () => {
  const short = textOf(await renderBillPdf(contentOf(PROFILE)))
  assert.match(short, /Registered in Lakeside under 4711\./)
  assert.equal(short.split('\f').length - 1, 1, 'one page')
  const legal = Array.from({ length: 50 }, (_, at) => `Line ${at} of it.`).join('\n')
  const long = textOf(await renderBillPdf(contentOf({ ...PROFILE, legal })))
  assert.match(long, /Line 49 of it\./)
  assert.equal(long.split('\f').length - 1, 2, 'two pages')
})

/** A picture of each kind that the check lets through. */
function pictures(): readonly (readonly [string, Buffer])[] {
  const [width, height] = [12, 8]
  const kinds = [
    ['grey', 0, 1],
    ['RGB', 2, 3],
    ['palette', 3, 1],
    ['grey and alpha', 4, 2],
    ['RGB and alpha', 6, 4],
  ] as const
  const palette = chunk('PLTE', Buffer.from([200, 20, 20, 20, 200, 20]))
  return kinds.flatMap(([name, colour, samples]) => {
    const row = Buffer.concat([Buffer.from([0]), Buffer.alloc(width * samples, 1)])
    const pixels = deflateSync(Buffer.concat(Array.from({ length: height }, () => row)))
    const make = (...more: readonly Buffer[]) =>
      Buffer.concat([
        PNG_MAGIC,
        header(width, height, 8, colour, 0, 0, 0),
        ...(colour === 3 ? [palette] : []),
        ...more,
        chunk('IDAT', pixels),
        chunk('IEND', Buffer.alloc(0)),
      ])
    const plain = [name, make()] as const
    return colour === 3
      ? [plain, [`${name}, one clear`, make(chunk('tRNS', Buffer.from([255, 0])))] as const]
      : [plain]
  })
}

test('every kind of picture that may be uploaded is drawn, the same bytes every time', async () => {
  assert.equal(crc32(Buffer.from('IEND')), 0xae426082, 'the chunks are as PNG wants them')
  const content = contentOf(PROFILE)
  const without = (await renderBillPdf(content)).length
  for (const [name, picture] of pictures()) {
    const file = readLogo(picture)
    assert.ok(file.ok, name)
    const draw = () => renderBillPdf(content, { logo: file.logo.content })
    const [one, two] = [await draw(), await draw()]
    assert.ok(one.length > without, name)
    assert.ok(Buffer.from(one).equals(two), name)
  }
})
