// Enrolment tokens as people use them: in groups of four, as a QR code in the terminal, and as a
// page of labels to print and stick on the boxes.

import encodeQR from 'qr'

export interface Label {
  readonly name: string
  readonly device: string
  readonly token: string
}

/** Characters in a group of the printed token. */
const GROUP = 4
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
}

export const grouped = (token: string): string =>
  (token.match(new RegExp(`.{1,${GROUP}}`, 'g')) ?? []).join('-')

/** A token's 64 characters fit the QR code's alphanumeric mode. */
const QR = { ecc: 'medium', border: 2 } as const

/** Its modules, row by row, for a page to draw. */
export const qrModules = (token: string): readonly (readonly boolean[])[] =>
  encodeQR(token, 'raw', QR)

export const terminalQr = (token: string): string => encodeQR(token, 'term', QR)

/** A page without scripts or external resources. */
export function labelPage(labels: readonly Label[]): string {
  const cards = labels.map(
    ({ name, device, token }) => `<section>${encodeQR(token, 'svg', QR)}
<div><h2>${escaped(name)}</h2><p>device ${device}</p><code>${grouped(token)}</code></div></section>`,
  )
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Enrolment tokens</title>
<style>
body { font: 10pt sans-serif; margin: 8mm; display: grid; grid-template-columns: 1fr 1fr; gap: 4mm }
section { display: flex; gap: 4mm; border: 0.2mm solid #999; padding: 2mm; break-inside: avoid }
svg { width: 34mm; height: 34mm; flex: none }
h2 { font-size: 12pt; margin: 0; overflow-wrap: anywhere } p { margin: 1mm 0; color: #444 }
code { font-size: 8pt; overflow-wrap: anywhere }
</style>
${cards.join('\n')}
</html>
`
}

const escaped = (text: string): string =>
  text.replaceAll(/[&<>"]/g, (found) => ESCAPES[found] ?? '')
