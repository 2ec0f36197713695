// What the outside world answered to a notice, and how long we listen.

/** How one attempt ended. `final`: this address will never work, another attempt is pointless. */
export type Delivery =
  | { readonly ok: true; readonly providerId: string }
  | {
      readonly ok: false
      readonly fault: 'BIL-09' | 'BIL-10'
      readonly detail: string
      readonly final: boolean
    }

/** Longest a mail server or a gateway may take for one notice, in total, milliseconds. Servers that
 * greet slowly on purpose take up to 30 s. Must be well below the lease of a claimed notice. */
export const DELIVERY_MS_MAX = 60_000

/** Longest text from a peer that goes into our log, characters. */
const DETAIL_LENGTH_MAX = 200

/** A peer's words on one line, bounded. */
export const detailOf = (text: string): string =>
  text.replace(/[\p{Cc}\s]+/gu, ' ').slice(0, DETAIL_LENGTH_MAX)
