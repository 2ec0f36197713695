// The server process of the bench of pages: the real head-end, and beside it in the same process a
// page that draws a bill, in the press's thread or, as it was before, on this very loop.

import fastify from 'fastify'
import { renderBillPdf } from '../../services/billing/bills/shell/pdf.ts'
import { openPress } from '../../services/billing/bills/shell/press.ts'
import type { DeviceRecord } from '../../shared/handover/roster.ts'
import type { KeyPair } from '../../shared/tves/noise.ts'
import { contentFor } from '../fixtures/bill-content.ts'
import { memoryMaster } from './memory-master.ts'

export interface PagesTask {
  readonly masterKey: KeyPair
  readonly devices: readonly DeviceRecord[]
}

export interface PagesPorts {
  readonly tves: number
  readonly http: number
}

interface Wanted {
  readonly how: string
  readonly viewer: string
  readonly bill: string
}

async function open({ masterKey, devices }: PagesTask): Promise<PagesPorts> {
  const master = await memoryMaster(masterKey, devices)
  const press = openPress(console.error)
  const app = fastify()
  app.get<{ Params: Wanted }>('/:how/:viewer/:bill', async ({ params }, reply) => {
    const { how, viewer, bill: number } = params
    const bill = { ...contentFor({}), number: `${viewer}-${number}` }
    const drawn =
      how === 'press'
        ? await press.draw(bill, viewer)
        : ({ ok: true, pdf: await renderBillPdf(bill) } as const)
    if (!drawn.ok) return reply.code(503).send()
    return reply.type('application/pdf').send(Buffer.from(drawn.pdf))
  })
  const address = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  return { tves: master.tcpPort ?? 0, http: Number(address.port) }
}

process.on('message', (task: PagesTask) => {
  void open(task).then((ports) => process.send?.(ports))
})
process.on('disconnect', () => process.exit())
