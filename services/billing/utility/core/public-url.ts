// Where customers reach the pages: links in mail and SMS begin with it.

/** Hosts that a server listens on and nobody can call. */
const NO_HOSTS = ['0.0.0.0', '[::]']

export const PUBLIC_URL_RULE = 'https://host or https://host:port, without a path, name or password'

/** Scheme, host and port alone, since the pages use the whole of a host; null: it is not that. */
export function originOf(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null
  const bare =
    url !== null &&
    (url.protocol === 'https:' || url.protocol === 'http:') &&
    url.href === `${url.origin}/` &&
    !NO_HOSTS.includes(url.hostname)
  return bare ? url.origin : null
}
