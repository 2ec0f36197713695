// What a search found, in groups.

import type { PageContext } from '../../kit/context.ts'
import { Layout } from '../../kit/layout.tsx'
import { SEARCH_CHARS_MAX } from '../../kit/list.ts'
import { capital, Headline, Section } from '../../kit/parts.tsx'
import { GROUPS, type Hit, hitHref, listOf } from '../core/search.ts'

interface SearchProps {
  readonly context: PageContext
  readonly q: string
  readonly hits: readonly Hit[]
}

export function SearchPage({ context, q, hits }: SearchProps) {
  return (
    <Layout context={context} title="Search" width="reading">
      <Headline
        title="Search"
        lead={q === '' ? 'A number, a name, an address, a meter, a bill.' : `For “${q}”`}
      />
      <section class="card">
        <form class="choices" method="get" action="/search">
          <label class="grow">
            Number, name, address, e-mail, phone, meter, bill or device
            <input type="search" name="q" value={q} maxLength={SEARCH_CHARS_MAX} />
          </label>
          <button type="submit">Search</button>
        </form>
      </section>
      {q !== '' && hits.length === 0 && <Nothing q={q} />}
      {GROUPS.map((group) => {
        const found = hits.filter((hit) => hit.group === group)
        const more = listOf(group, q)
        if (found.length === 0) return null
        return (
          <Section
            key={group}
            title={capital(group)}
            actions={
              more !== null && context.isPage(more.split('?')[0] ?? '') ? (
                <a href={more}>All in the list</a>
              ) : undefined
            }
          >
            <ul class="plain">
              {found.map((hit) => (
                <li key={hit.key}>
                  <a class="strong" href={hitHref(hit)}>
                    {hit.title}
                  </a>
                  <span class="sub">{hit.note}</span>
                </li>
              ))}
            </ul>
          </Section>
        )
      })}
    </Layout>
  )
}

const Nothing = ({ q }: { readonly q: string }) => (
  <Section title="Nothing is like that">
    <p>
      No account, customer, service point, bill or device has “{q}” in its number or name, and no
      meter of that number was ever reported by a device or entered by hand.
    </p>
    <p class="soft">
      A meter appears here with its first reading. Its number is what the meter itself says: compare
      it with the one on its plate.
    </p>
  </Section>
)
