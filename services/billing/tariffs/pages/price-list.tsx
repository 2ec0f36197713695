// A tariff as a price list: a table for each line with slabs, the others in words.

import { Facts, Table } from '../../kit/parts.tsx'
import type { Charge, Tariff } from '../core/tariff.ts'
import { chargeWords, ruleWords, slabWords } from '../core/words.ts'

export function PriceList({ tariff }: { readonly tariff: Tariff }) {
  return (
    <>
      <dl class="prices">
        {tariff.charges.map((charge) => (
          <div key={charge.code}>
            <dt>{charge.label}</dt>
            <dd>
              <Price charge={charge} tariff={tariff} />
            </dd>
          </div>
        ))}
      </dl>
      <Facts rows={ruleWords(tariff)} />
      <p class="soft">Source: {tariff.source}</p>
    </>
  )
}

function Price({ charge, tariff }: { readonly charge: Charge; readonly tariff: Tariff }) {
  if (charge.kind !== 'slabs' || charge.slabs.length === 1)
    return <>{chargeWords(charge, tariff)}</>
  return (
    <Table
      caption={`${charge.label} by slab`}
      columns={[
        { title: 'kWh a month', cell: ({ range }) => range },
        { title: 'per kWh', numeric: true, cell: ({ rate }) => rate },
      ]}
      rows={slabWords(charge.slabs, tariff)}
      empty=""
      plain
    />
  )
}
