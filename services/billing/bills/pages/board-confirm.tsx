// The step between a button of the board and what it does.

import { monthOf, periodText } from '../../civil/calendar.ts'
import {
  type BoardMonth,
  type DryRun,
  monthName,
  PERIOD_STATES,
  type PeriodRow,
  STATE_WORDS,
  type Sum,
  sumsOf,
} from '../core/board.ts'
import { ConfirmPage } from '../../kit/confirm-page.tsx'
import type { PageContext } from '../../kit/context.ts'
import type { FormState } from '../../kit/form.ts'
import { countText } from '../../kit/format.ts'
import type { ListSpec } from '../../kit/list.ts'
import { codeWords, moneyText } from './period-parts.tsx'

/** The list of a month; its reasons are those that there are. */
export function monthSpec({ month, cells }: BoardMonth): ListSpec {
  const codes = [...new Set(cells.flatMap(({ code }) => (code === null ? [] : [code])))].toSorted()
  return {
    path: `/board/${monthName(month)}`,
    sorts: { from: 'date' },
    sort: 'from',
    filters: {
      state: PERIOD_STATES.map((state) => [state, STATE_WORDS[state]] as const),
      code: codes.map((code) => [code, `${code} ${codeWords(code)}`] as const),
    },
  }
}

interface Frame {
  readonly context: PageContext
  readonly month: string
  readonly back: string
  readonly form?: FormState
}
export type BoardConfirmProps = Frame &
  (
    | { readonly is: 'issue-all'; readonly run: DryRun }
    | { readonly is: 'issue' | 'exempt' | 'unexempt'; readonly rows: readonly PeriodRow[] }
  )

const bills = (count: number): string => `${countText(count)} ${count === 1 ? 'bill' : 'bills'}`

export function BoardConfirm(props: BoardConfirmProps) {
  const { context, month, back } = props
  const action = `/board/${monthName(month)}/bulk`
  const when = periodText(monthOf(month))
  if (props.is === 'issue-all') {
    const count = props.run.sums.reduce((sum, each) => sum + each.count, 0)
    return (
      <ConfirmPage
        context={context}
        title={`Issue ${bills(count)} of ${when}?`}
        text={<Sums sums={props.run.sums} />}
        action={action}
        fields={{ do: 'issue', all: 'yes', state: 'ready' }}
        yes={`Issue ${bills(count)}`}
        back={`${back}/dry-run`}
      />
    )
  }
  const { rows, is } = props
  const ids = [...new Set(rows.map(({ contractId }) => String(contractId)))]
  const common = { context, action, back, fields: { do: is, id: ids } }
  if (is === 'issue') {
    return (
      <ConfirmPage
        {...common}
        title={`Issue ${bills(rows.length)} of ${when}?`}
        text={<Sums sums={sumsOf(rows)} />}
        yes={`Issue ${bills(rows.length)}`}
      />
    )
  }
  const form = props.form ?? { values: {}, errors: {} }
  const names = rows.slice(0, 3).map(({ customer }) => customer)
  const others =
    rows.length > names.length ? ` and ${countText(rows.length - names.length)} more` : ''
  const isExempt = is === 'exempt'
  return (
    <ConfirmPage
      {...common}
      form={form}
      why
      title={isExempt ? `Issue no bill of ${when}?` : `Bill ${when} after all?`}
      text={
        <p>
          {`${names.join(', ')}${others}. `}
          {isExempt
            ? 'Their periods stay on the board with your reason, and can be billed after all.'
            : 'Their periods are looked at again and become bills as any other.'}
        </p>
      }
      yes={isExempt ? `Exempt ${periods(rows.length)}` : `Bill ${periods(rows.length)}`}
    />
  )
}

const periods = (count: number): string =>
  `${countText(count)} ${count === 1 ? 'period' : 'periods'}`

const Sums = ({ sums }: { readonly sums: readonly Sum[] }) => (
  <>
    <ul>
      {sums.map(({ currency, count, amount }) => (
        <li key={currency}>{`${bills(count)}, ${moneyText(amount, currency)} together`}</li>
      ))}
    </ul>
    <p>An issued bill never changes, and its customer is told at once.</p>
  </>
)
