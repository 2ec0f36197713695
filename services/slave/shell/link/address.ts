// The master's address, as the configuration writes it: tcp://host:port, ws://host:port/path or
// wss://.

export type LinkAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'ws'; readonly url: string }

/** Null when the text is no such address, or has a user, query or fragment, which nothing would
 * read. */
export function parseLinkAddress(text: string): LinkAddress | null {
  if (!URL.canParse(text)) return null
  const url = new URL(text)
  if (url.hostname === '' || url.username !== '' || url.search !== '' || url.hash !== '')
    return null
  if (url.protocol === 'ws:' || url.protocol === 'wss:') return { kind: 'ws', url: url.href }
  const bare = url.pathname === '' || url.pathname === '/'
  if (url.protocol !== 'tcp:' || !bare || url.port === '' || url.port === '0') return null
  return { kind: 'tcp', host: url.hostname.replaceAll(/[[\]]/g, ''), port: Number(url.port) }
}
