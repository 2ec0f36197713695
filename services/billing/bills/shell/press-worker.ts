// The thread in which bills are drawn. It is given a bill's content and gives back a page; it has
// no database, no keys and no environment.

import { parentPort } from 'node:worker_threads'
import { assert } from '../../../../shared/assert.ts'
import { errorText } from '../../../../shared/node/fault-error.ts'
import { renderBillPdf } from './pdf.ts'
import type { FromPress, ToPress } from './press-messages.ts'

const port = parentPort
assert(port !== null, 'this module runs in a thread')

const say = (message: FromPress): void =>
  port.postMessage(message, 'pdf' in message ? [message.pdf.buffer] : [])

port.on('message', (message: ToPress) => {
  if (message.do === 'end') {
    port.close()
    return
  }
  const { id, bill, logo } = message
  let missing: readonly string[] = []
  const note = (letters: readonly string[]): void => {
    missing = letters
  }
  renderBillPdf(bill, { logo, onMissing: note }).then(
    // A copy with a buffer of its own, which can be handed over.
    (pdf) => say({ id, pdf: new Uint8Array(pdf), missing }),
    (error: unknown) => say({ id, failed: errorText(error) }),
  )
})
