// Who is looking at a page, and what every page knows about the request.

/** The person behind a session. */
export type Viewer =
  | { readonly kind: 'operator'; readonly id: number; readonly name: string }
  | { readonly kind: 'customer'; readonly id: number; readonly name: string }

/** What every page knows about the request. */
export interface PageContext {
  readonly viewer: Viewer | null
  /** Token for every form of this page (OPS-22 without it). */
  readonly formToken: string
  readonly path: string
  readonly assets: {
    readonly style: string
    readonly icon: string
    readonly refresh: string | null
    readonly keys: string | null
  }
  /** Whether this server has a page there, so that none is linked that does not exist. */
  readonly isPage: (path: string) => boolean
  /** The demo says so on every page. */
  readonly demo: boolean
}
