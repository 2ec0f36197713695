// The meters of a bill: each for its time, register by register, with both readings, how each was
// found and how right its time is. As stored; nothing is recomputed here.

import type {
  BillContent,
  BilledReading,
  BilledRegister,
  BilledSegment,
} from '../core/bill-content.ts'
import { clockWords, ESTIMATED_WORDS, edgeText, markOf, wayText } from '../core/bill-words.ts'
import { Table } from '../../kit/parts.tsx'
import { registerText } from '../../kit/format.ts'

export function BillReadings({ content }: { readonly content: BillContent }) {
  const { segments, energy, period } = content
  return (
    <section class="card card-flush">
      <div class="card-head">
        <h2>{segments.length === 1 ? 'The meter' : `The ${segments.length} meters`}</h2>
        {energy.estimated === 'yes' && (
          <p class="notice notice-warn">
            <strong>Estimated.</strong> {ESTIMATED_WORDS}
          </p>
        )}
      </div>
      {segments.map((segment, index) => (
        <SegmentPart key={index} segment={segment} zone={content.servicePoint.zone} />
      ))}
      <p class="consumed">
        Energy used{energy.estimated === 'yes' && ', estimated'}: <strong>{energy.kWh} kWh</strong>{' '}
        in {period.days} days
      </p>
    </section>
  )
}

function SegmentPart({
  segment,
  zone,
}: {
  readonly segment: BilledSegment
  readonly zone: string
}) {
  const { meter } = segment
  return (
    <>
      <div class="card-head">
        <p>
          <strong>Meter {meter.number}</strong>, {edgeText({ at: segment.from }, zone)} to{' '}
          {edgeText({ at: segment.to }, zone)}: <strong>{segment.kWh} kWh</strong>
          {meter.multiplier !== '1' && (
            <span class="sub">Transformer ratio: register times {meter.multiplier}</span>
          )}
        </p>
      </div>
      <Table
        caption={`Readings of meter ${meter.number}`}
        columns={[
          {
            title: 'Register',
            cell: ({ register }) => (
              <>
                {registerText(register.register)}
                <span class="sub">
                  <code>{register.register}</code>
                </span>
              </>
            ),
          },
          {
            title: 'Reading',
            cell: ({ name, reading }) => <Named name={name} reading={reading} />,
          },
          {
            title: 'Value',
            numeric: true,
            cell: ({ reading }) => <span class="strong">{reading.kWh} kWh</span>,
          },
          {
            title: 'How it was found',
            cell: ({ reading }) => (
              <>
                {wayText(reading, zone)}
                <span class="sub">{clockWords(reading, zone)}</span>
              </>
            ),
          },
        ]}
        rows={segment.registers.flatMap((register) => rowsOf(register, zone))}
        empty=""
      />
      {segment.registers
        .filter(({ rolledOver }) => rolledOver === 'yes')
        .map(({ register }) => (
          <p class="consumed" key={register}>
            Register {register} rolled over from its highest number to zero.
          </p>
        ))}
    </>
  )
}

interface Row {
  readonly register: BilledRegister
  readonly name: string
  readonly reading: BilledReading
}

const rowsOf = (register: BilledRegister, zone: string): readonly Row[] => [
  { register, name: `Begin, ${edgeText(register.opening, zone)}`, reading: register.opening },
  { register, name: `End, ${edgeText(register.closing, zone)}`, reading: register.closing },
]

function Named({ name, reading }: { readonly name: string; readonly reading: BilledReading }) {
  const mark = markOf(reading)
  return (
    <>
      {name}
      {mark !== null && <span class="sub strong">{mark}</span>}
    </>
  )
}
