// How many parts an SMS takes. Operators bill per part, so texts are written to fit one.
// Source: 3GPP TS 23.038 (alphabet), TS 23.040 section 9.2.3.24 (concatenation).

const GSM_BASIC = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?' +
    '¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
)
/** After an escape: two places each. */
const GSM_EXTENSION = new Set('\f^{}\\[~]|€')

/** Places in a single message, and in each part of a longer one (its header takes 6 bytes). */
const PLACES = { gsm7: { single: 160, part: 153 }, ucs2: { single: 70, part: 67 } } as const

export interface SmsLength {
  readonly alphabet: 'gsm7' | 'ucs2'
  readonly places: number
  readonly parts: number
}

export function smsLength(text: string): SmsLength {
  const letters = Array.from(text)
  const gsm = letters.every((letter) => GSM_BASIC.has(letter) || GSM_EXTENSION.has(letter))
  const alphabet = gsm ? 'gsm7' : 'ucs2'
  const costs = letters.map((letter) => {
    if (gsm) return GSM_BASIC.has(letter) ? 1 : 2
    return letter.length
  })
  const places = costs.reduce((sum, cost) => sum + cost, 0)
  if (places <= PLACES[alphabet].single) return { alphabet, places, parts: 1 }
  // An escape or a surrogate pair is not split between two parts.
  let parts = 1
  let used = 0
  for (const cost of costs) {
    if (used + cost > PLACES[alphabet].part) {
      parts += 1
      used = 0
    }
    used += cost
  }
  return { alphabet, places, parts }
}
