// What the list of meters, a meter's page and a device's page say in the same words.

import type { UnixMs } from '../../../../shared/units.ts'
import { lengthText, quantityText, registerText, spanText } from '../../kit/format.ts'
import { Ago, Badge } from '../../kit/parts.tsx'
import { type MeterClock, type MeterListRow, type NewestValue, troublesOf } from '../core/meters.ts'

/** `14 days` below a wait that is measured in days. */
export const waitText = (seconds: number): string => spanText(seconds * 1_000)

/** What is wrong with a meter in words, or that nothing is; and where it hangs. */
export function MeterState({ row }: { readonly row: Omit<MeterListRow, 'createdAt'> }) {
  const troubles = troublesOf(row)
  return (
    <>
      {troubles.includes('clock-wrong') && <Badge tone="bad">clock wrong</Badge>}
      {row.silentSince !== null && (
        <Badge tone="bad">{row.newest === null ? 'never heard' : 'silent'}</Badge>
      )}
      {troubles.includes('not-adopted') && <Badge tone="warn">not adopted</Badge>}
      {row.place === null && <Badge tone="warn">unassigned</Badge>}
      {troubles.length === 0 && row.place !== null && <Badge tone="good">installed</Badge>}
    </>
  )
}

/** How far the meter's own clock is off, in words. */
export function MeterClockWords({ clock }: { readonly clock: MeterClock | null }) {
  if (clock === null) return <>not reported: it has none, or its slave does not read it</>
  const { state, offsetUs, boundUs } = clock
  const direction = offsetUs === 0 ? 'exactly right' : offsetUs > 0 ? 'fast' : 'slow'
  const bound = boundUs === null ? '' : `, give or take ${lengthText(boundUs)}`
  return (
    <>
      {offsetUs === 0 ? direction : `${lengthText(offsetUs)} ${direction}`}
      {bound}
      {state === 'X' && <span class="sub">It says itself that its readings are invalid (B0).</span>}
    </>
  )
}

/** A register's value with its age. */
export function Newest({
  value,
  now,
}: {
  readonly value: NewestValue | null
  readonly now: UnixMs
}) {
  if (value === null) return <span class="soft">none yet</span>
  return (
    <>
      <span class="strong">{quantityText(value.value, value.exponent, value.unit)}</span>
      <span class="sub">
        {registerText(value.obis)}, <Ago at={value.at} now={now} past />
      </span>
    </>
  )
}
