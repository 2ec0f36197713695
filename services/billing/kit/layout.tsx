// The frame around every page, and the way to HTML text. Preact escapes every value; nothing here
// sets raw HTML, style attributes or handlers, so the content security policy can forbid them all.

import type { ComponentChildren, VNode } from 'preact'
import { render } from 'preact-render-to-string'
import type { PageContext } from './context.ts'

export const htmlOf = (page: VNode): string => `<!doctype html>${render(page)}`

const OPERATOR_PAGES = [
  ['/fleet', 'Fleet'],
  ['/clock', 'Clock'],
  ['/readings', 'Readings'],
  ['/refused', 'Refused'],
  ['/bills', 'Bills'],
  ['/notices', 'Notices'],
  ['/tariffs', 'Tariffs'],
  ['/access', 'Access'],
] as const
const CUSTOMER_PAGES = [
  ['/home', 'Home'],
  ['/home/usage', 'Usage'],
  ['/home/bills', 'Bills'],
] as const

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
        {live && assets.refresh !== null && <script type="module" src={assets.refresh} />}
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to the content
        </a>
        {context.demo && (
          <p class="ribbon">
            Demo: simulated meters, real code. <a href="/inbox">Open the demo inbox</a>{' '}
            <a href="/attacks">Attack it</a>
          </p>
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
  const { viewer, path } = context
  const pages = viewer === null ? [] : viewer.kind === 'operator' ? OPERATOR_PAGES : CUSTOMER_PAGES
  return (
    <header class="top">
      <div class="top-inner">
        <a class="brand" href="/">
          <Mark />
          Ticklock
        </a>
        {pages.length > 0 && (
          <nav aria-label="Pages">
            {pages.map(([href, text]) => (
              <a
                key={href}
                href={href}
                aria-current={isHere(href, path, pages) ? 'page' : undefined}
              >
                {text}
              </a>
            ))}
          </nav>
        )}
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
  )
}

/** The longest entry that is a prefix of the path is the current one. */
function isHere(
  href: string,
  path: string,
  pages: readonly (readonly [string, string])[],
): boolean {
  const under = (entry: string) => path === entry || path.startsWith(`${entry}/`)
  return under(href) && !pages.some(([other]) => other.length > href.length && under(other))
}

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
