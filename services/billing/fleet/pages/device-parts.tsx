// What the list of devices and a device's page say in the same words.

import type { UnixMs } from '../../../../shared/units.ts'
import { GIVEN_UP_DAYS, GIVEN_UP_MAX } from '../../../../shared/wire/limits.ts'
import { ClockCell } from '../../clocks/pages/clock.tsx'
import { countText, spanText, utcSecondText } from '../../kit/format.ts'
import { Badge, FaultBadge } from '../../kit/parts.tsx'
import { type FleetRow, isTroubled } from '../core/views.ts'

export function Clock({ row }: { readonly row: FleetRow }) {
  const { clockState, clockOffsetUs, clockBoundUs, heldOver } = row
  if (clockState === null) return <span class="soft">not reported yet</span>
  const figures = { offsetUs: clockOffsetUs, boundUs: clockBoundUs }
  return <ClockCell state={clockState} {...figures} heldOver={heldOver} />
}

/** Its link. Green is said only where nothing behind the device is wrong either. */
export function LinkState({ row, now }: { readonly row: FleetRow; readonly now: UnixMs }) {
  if (row.revoked) return <Badge tone="bad">revoked</Badge>
  if (!row.enrolled) return <Badge tone="quiet">not enrolled yet</Badge>
  if (row.connectedAt === null) return <Badge tone="warn">not connected</Badge>
  return (
    <>
      <Badge tone={isTroubled(row) ? 'quiet' : 'good'}>connected</Badge>
      <span class="sub">
        {transportText(row.transport)}, for{' '}
        <time
          dateTime={new Date(row.connectedAt).toISOString()}
          title={utcSecondText(row.connectedAt)}
        >
          {spanText(Math.max(0, now - row.connectedAt))}
        </time>
      </span>
    </>
  )
}

const counted = (count: number, one: string, many: string): string =>
  `${countText(count)} ${count === 1 ? one : many}`

/** What is wrong with the meters behind a device, each with the list that shows them. */
export function Troubles({ row }: { readonly row: FleetRow }) {
  const { id, silent, clocksWrong, exceptions, notAdopted } = row
  const list = (state: string): string => `/fleet/${id}/meters?state=${state}`
  const words = [
    [clocksWrong, 'bad', list('clock-wrong'), 'meter’s clock wrong', 'meters’ clocks wrong'],
    [silent, 'bad', list('silent'), 'meter silent', 'meters silent'],
    [exceptions, 'bad', '/attention', 'exception', 'exceptions'],
    [notAdopted, 'warn', list('not-adopted'), 'meter not adopted', 'meters not adopted'],
  ] as const
  return (
    <>
      {words.map(
        ([count, tone, href, one, many]) =>
          count > 0 && (
            <a key={href} href={href} class="badge-link">
              <Badge tone={tone}>{counted(count, one, many)}</Badge>
            </a>
          ),
      )}
    </>
  )
}

export function GivenUp({ row }: { readonly row: FleetRow }) {
  if (row.givenUp <= GIVEN_UP_MAX) return null
  return (
    <>
      <FaultBadge code="SEC-15" />
      <span class="sub">
        {countText(row.givenUp)} times in {GIVEN_UP_DAYS} days: <a href="/refused">exceptions</a>
      </span>
    </>
  )
}

export const GivenUpFact = ({ row }: { readonly row: FleetRow }) =>
  row.givenUp > GIVEN_UP_MAX ? <GivenUp row={row} /> : <>{countText(row.givenUp)}</>

const transportText = (transport: string | null): string =>
  transport === 'ws' ? 'WebSocket' : transport === 'tcp' ? 'TCP' : (transport ?? 'link')
