// Published tariffs, for operators: all of them with the version that holds today, and one with all
// its versions.

import { dateText } from '../../civil/calendar.ts'
import type { PageContext } from '../../kit/context.ts'
import { utcSecondText } from '../../kit/format.ts'
import { Layout } from '../../kit/layout.tsx'
import { Fold, Headline, Section } from '../../kit/parts.tsx'
import { tariffText } from '../core/print.ts'
import type { Tariff } from '../core/tariff.ts'
import type { PublishedVersion, TariffRow } from '../core/views.ts'
import { PriceList } from './price-list.tsx'

/** A published tariff that comes with Ticklock. */
export interface Offered {
  readonly id: string
  readonly tariff: Tariff
}

export interface TariffsPageProps {
  readonly context: PageContext
  readonly rows: readonly TariffRow[]
  /** Code behind which the next page begins; null on the last. */
  readonly next: string | null
  readonly offered: readonly Offered[]
}

const pathOf = (code: string): string => `/tariffs/${encodeURIComponent(code)}`

export function TariffsPage({ context, rows, next, offered }: TariffsPageProps) {
  return (
    <Layout context={context} title="Tariffs" width="reading">
      <Headline
        title="Tariffs"
        lead="What the lines of a bill cost. A published version never changes; a correction is a new version with its own first day."
      >
        <a class="button" href="/tariffs/new">
          New tariff
        </a>
      </Headline>
      {rows.length === 0 && (
        <p class="card">
          No tariff is published yet. Write one, upload one, or take over one of those below.
        </p>
      )}
      {rows.map((row) => (
        <TariffCard key={row.code} row={row} open={rows.length === 1} />
      ))}
      {next !== null && (
        <p class="actions">
          <a class="button button-quiet" href={`/tariffs?after=${encodeURIComponent(next)}`}>
            More tariffs
          </a>
        </p>
      )}
      <OfferedTariffs offered={offered} />
    </Layout>
  )
}

function TariffCard({ row, open }: { readonly row: TariffRow; readonly open: boolean }) {
  const { code, shown, nextFrom, versions } = row
  return (
    <Section
      title={shown.tariff.name}
      lead={
        <>
          <code>{code}</code>, valid from {dateText(shown.validFrom)}
          {nextFrom !== null && `; another version from ${dateText(nextFrom)}`}
        </>
      }
      actions={
        <>
          <a class="button button-quiet" href={pathOf(code)}>
            {versions === 1 ? '1 version' : `${versions} versions`}
          </a>
          <a class="button button-quiet" href={`${pathOf(code)}/edit`}>
            New version
          </a>
        </>
      }
    >
      <details open={open}>
        <summary>Prices and rules</summary>
        <PriceList tariff={shown.tariff} />
      </details>
    </Section>
  )
}

function OfferedTariffs({ offered }: { readonly offered: readonly Offered[] }) {
  if (offered.length === 0) return null
  return (
    <Section
      title="Published tariffs to begin with"
      lead="Real price lists with their source. Taking one over fills the editor; nothing is published before you say so."
    >
      <ul class="offers">
        {offered.map(({ id, tariff }) => (
          <li key={id}>
            <div>
              <span class="strong">{tariff.name}</span>
              <span class="sub">
                {tariff.currency}. {tariff.source}
              </span>
            </div>
            <a
              class="button button-quiet"
              href={`/tariffs/new?example=${id}`}
              aria-label={`Take over ${tariff.name}`}
            >
              Take over
            </a>
          </li>
        ))}
      </ul>
    </Section>
  )
}

export interface TariffPageProps {
  readonly context: PageContext
  readonly code: string
  /** Newest first day first. */
  readonly versions: readonly PublishedVersion[]
  /** Local date. */
  readonly today: string
  /** First day of the version that was published just now. */
  readonly published: string | null
}

export function TariffPage({ context, code, versions, today, published }: TariffPageProps) {
  const current = versions.find(({ validFrom }) => validFrom <= today) ?? versions.at(-1)
  return (
    <Layout context={context} title={`Tariff ${code}`} width="reading">
      <Headline
        title={current?.tariff.name ?? code}
        lead={
          <>
            <code>{code}</code>, every version
          </>
        }
      >
        <a href="/tariffs">All tariffs</a>
        <a class="button" href={`${pathOf(code)}/edit`}>
          New version
        </a>
      </Headline>
      {published !== null && (
        <p class="notice" role="status">
          Published. Bills of contracts with this tariff use it for periods from{' '}
          {dateText(published)} on.
        </p>
      )}
      {versions.map((version) => (
        <VersionFold
          key={version.id}
          code={code}
          version={version}
          open={version === current}
          today={today}
        />
      ))}
    </Layout>
  )
}

function VersionFold({
  code,
  version,
  open,
  today,
}: {
  readonly code: string
  readonly version: PublishedVersion
  readonly open: boolean
  readonly today: string
}) {
  const { tariff, validFrom, hash, publishedAt, author } = version
  return (
    <Fold
      title={`Valid from ${dateText(validFrom)}`}
      note={validFrom > today ? 'not yet' : open ? 'holds today' : 'before'}
      open={open}
    >
      <p class="soft">
        Published {utcSecondText(publishedAt)}
        {author !== null && ` by ${author.who}: ${author.why}`}
      </p>
      <PriceList tariff={tariff} />
      <details>
        <summary>Show the document</summary>
        <pre tabIndex={0}>{tariffText(tariff)}</pre>
        <p class="soft">
          SHA-256 of its normal form <code>{hash}</code>
        </p>
      </details>
      <p class="actions">
        <a href={`${pathOf(code)}/${validFrom}.json`}>Download as JSON</a>
      </p>
    </Fold>
  )
}
