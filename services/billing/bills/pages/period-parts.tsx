// Parts that the pages of the board share.

import { FAULTS, isFaultCode } from '../../../../shared/faults.ts'
import { amountText, grouped } from '../../civil/amount-text.ts'
import {
  type BoardCell,
  changeOf,
  digitsOf,
  monthName,
  type PeriodRow,
  type PeriodState,
  STATE_WORDS,
} from '../core/board.ts'
import type { CivilDate } from '../../civil/calendar.ts'
import { Badge, capital, type Tone } from '../../kit/parts.tsx'

const TONES: Readonly<Record<PeriodState, Tone>> = {
  ready: 'good',
  billed: 'good',
  waiting: 'warn',
  blocked: 'bad',
  exempt: 'quiet',
  unseen: 'quiet',
}

export const StateBadge = ({ state }: { readonly state: PeriodState }) => (
  <Badge tone={TONES[state]}>{STATE_WORDS[state].toLowerCase()}</Badge>
)

/** What a code says, in words; the code itself when it is not ours. */
export const codeWords = (code: string): string =>
  isFaultCode(code) ? capital(FAULTS[code].is) : code

export const cellHref = (month: CivilDate, cell: Pick<BoardCell, 'state' | 'code'>): string => {
  const code = cell.code === null ? '' : `&code=${cell.code}`
  return `/board/${monthName(month)}?state=${cell.state}${code}`
}

export const moneyText = (amount: string, currency: string | null): string =>
  amountText(amount, { currency: currency ?? '', minorDigits: digitsOf(amount) })

/** What a ready period would be billed at, and how that compares with the bill before. */
export function Sum({ row }: { readonly row: PeriodRow }) {
  const { amount, currency, kWh } = row
  if (amount === null || currency === null) return <span class="soft">unknown</span>
  const change = changeOf(row)
  const than = change === null ? 'no bill before' : `${changeText(change)} than the last bill`
  return (
    <>
      <span class="strong">{moneyText(amount, currency)}</span>
      <span class="sub">
        {grouped(kWh ?? '0', currency)} kWh, {than}
      </span>
    </>
  )
}

const changeText = (change: number): string =>
  change === 0 ? 'no more' : `${Math.abs(change)} % ${change > 0 ? 'more' : 'less'}`
