// What a notice about a bill says when it is sent; notices/ asks for it by the bill's id.

import type { Kysely } from 'kysely'
import { assert } from '../../../../shared/assert.ts'
import type { BillContent } from '../core/bill-content.ts'
import { mailText, smsText } from '../core/notice.ts'
import { billToTell } from '../db/stored.ts'
import { mailHtml } from '../pages/bill-mail.ts'
import type { Letter, MatterVerdict } from '../../notices/shell/letter.ts'
import type { Database } from '../../store/schema.ts'
import { logoOf } from './document.ts'
import { mustDraw, type Press } from './press.ts'

/** OPS-16 when the bill no longer matches what was issued: such a bill is never shown. */
export async function billMatter(
  { db, press }: { readonly db: Kysely<Database>; readonly press: Press },
  billId: number,
): Promise<MatterVerdict> {
  const bill = await billToTell(db, billId)
  assert(bill !== null, 'a notice is about a bill that was issued')
  const { number, customerId, reading } = bill
  if (!reading.ok) {
    const { path, why } = reading.fault
    return { ok: false, fault: 'OPS-16', detail: `bill ${number}, ${path}: ${why}` }
  }
  const { content } = reading
  const names = { key: `bill-${number}`, name: `bill ${number}`, customerId }
  const letter = async (link: string): Promise<Letter> =>
    billLetter(press, content, { link, logo: await logoOf(db, content) })
  const text = (link: string): string => smsText(content, link)
  return { ok: true, matter: { ...names, letter, text } }
}

async function billLetter(
  press: Press,
  bill: BillContent,
  { link, logo }: { readonly link: string; readonly logo: Uint8Array | null },
): Promise<Letter> {
  const pdf = await mustDraw(press, bill, logo)
  return {
    toName: bill.customer.name,
    ...mailText(bill, link),
    html: mailHtml(bill, link),
    attachment: { name: `bill-${bill.number}.pdf`, type: 'application/pdf', content: pdf },
  }
}
