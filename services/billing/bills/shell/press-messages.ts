// What the press and its thread say to each other.

import type { BillContent } from '../core/bill-content.ts'

export type ToPress =
  | {
      readonly do: 'draw'
      readonly id: number
      readonly bill: BillContent
      /** The picture that the bill names; null: none. */
      readonly logo: Uint8Array | null
    }
  | { readonly do: 'end' }

export type FromPress =
  | {
      readonly id: number
      readonly pdf: Uint8Array<ArrayBuffer>
      /** Letters that no font draws: they are boxes. */
      readonly missing: readonly string[]
    }
  | { readonly id: number; readonly failed: string }
