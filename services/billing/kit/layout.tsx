// The frame around every page, and the way to HTML text. Preact escapes every value; nothing here
// sets raw HTML, style attributes or handlers, so the content security policy can forbid them all.

import type { ComponentChildren, VNode } from 'preact'
import { render } from 'preact-render-to-string'
import type { PageContext } from './context.ts'
import { CUSTOMER_PAGES, navigationAt, OPERATOR_PAGES } from './navigation.ts'

export const htmlOf = (page: VNode): string => `<!doctype html>${render(page)}`

interface LayoutProps {
  readonly context: PageContext
  readonly title: string
  /** Loads the island that refreshes the page's `[data-live]` parts. */
  readonly live?: boolean
  readonly width?: 'wide' | 'reading' | 'narrow'
  readonly children: ComponentChildren
}

export function Layout({ context, title, live = false, width = 'wide', children }: LayoutProps) {
  const { assets } = context
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{`${title} · Ticklock`}</title>
        <link rel="icon" type="image/svg+xml" href={assets.icon} />
        <link rel="stylesheet" href={assets.style} />
        {context.viewer?.kind === 'operator' && assets.keys !== null && (
          <script type="module" src={assets.keys} />
        )}
        {live && assets.refresh !== null && <script type="module" src={assets.refresh} />}
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to the content
        </a>
        {context.demo && (
          <aside class="ribbon" aria-label="Demo">
            Demo: simulated meters, real code. <a href="/inbox">Open the demo inbox</a>{' '}
            <a href="/attacks">Attack it</a>
          </aside>
        )}
        <Top context={context} />
        <main id="main" class={width === 'wide' ? 'page' : `page page-${width}`}>
          {children}
        </main>
        <footer class="foot">
          Ticklock: every reading sealed in the second it was read, up to the bill.
        </footer>
      </body>
    </html>
  )
}

function Top({ context }: { readonly context: PageContext }) {
  const { viewer, path, isPage } = context
  const isOperator = viewer?.kind === 'operator'
  const pages = viewer === null ? [] : isOperator ? OPERATOR_PAGES : CUSTOMER_PAGES
  const { groups, entries } = navigationAt(pages, path, isPage)
  const currentGroup = entries.length === 0 ? 'page' : 'true'
  return (
    <>
      <header class="top">
        <div class="top-inner">
          <a class="brand" href="/">
            <Mark />
            Ticklock
          </a>
          {groups.length > 0 && (
            <nav class="groups" aria-label="Pages">
              {groups.map(({ href, text, here }) => (
                <a key={href} href={href} aria-current={here ? currentGroup : undefined}>
                  {text}
                </a>
              ))}
            </nav>
          )}
          {isOperator && isPage('/search') && <Search />}
          {viewer !== null && (
            <form class="who" method="post" action="/logout">
              <FormToken context={context} />
              <span>{viewer.name}</span>
              <button class="plain" type="submit">
                Log out
              </button>
            </form>
          )}
        </div>
      </header>
      {entries.length > 0 && (
        <nav class="entries" aria-label="Pages of this group">
          <div class="entries-inner">
            {entries.map(({ href, text, here }) => (
              <a key={href} href={href} aria-current={here ? 'page' : undefined}>
                {text}
              </a>
            ))}
          </div>
        </nav>
      )}
    </>
  )
}

/** The key `/` leads here (islands/keys.ts). */
const Search = () => (
  <form class="search" role="search" aria-label="Everything" method="get" action="/search">
    <input
      type="search"
      name="q"
      aria-label="Search everything"
      placeholder="Search"
      data-key="/"
      aria-keyshortcuts="/"
      maxLength={100}
    />
  </form>
)

/** A lock whose keyhole is a clock hand. */
const Mark = () => (
  <svg width="22" height="24" viewBox="0 0 22 24" aria-hidden="true" focusable="false">
    <path d="M6 10V7a5 5 0 0 1 10 0v3" fill="none" stroke="currentColor" stroke-width="2.4" />
    <rect x="2" y="9.5" width="18" height="13" rx="4" fill="currentColor" />
    <path
      d="M11 12.6v3.6l2.6 1.8"
      class="mark-hand"
      fill="none"
      stroke="#fff"
      stroke-width="1.8"
      stroke-linecap="round"
      stroke-linejoin="round"
    />
  </svg>
)

export const FormToken = ({ context }: { readonly context: PageContext }) => (
  <input type="hidden" name="form_token" value={context.formToken} />
)
