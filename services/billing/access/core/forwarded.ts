// Who a request comes from when proxies stand in between. Each proxy appends to X-Forwarded-For
// the address that it saw; whatever stands to the left of that was written by the caller, who can
// write anything. So the line is read from the right, and only as far as our own proxies can have
// written it: the first address that is no trusted proxy is the client (fastify's trustProxy).

/** Most entries read: longer chains of proxies do not exist, longer lines do. */
const ENTRIES_MAX = 20

/** The rightmost entries that are addresses, ports and brackets dropped: some proxies write
 * `192.0.2.1:4711` or `"[2001:db8::1]:4711"`, and a port that changes would make a new client of
 * every connection. An entry that is no address ends the walk: then the proxy itself is the last
 * known. */
export function readableForwarded(line: string, isAddress: (text: string) => boolean): string {
  const read: string[] = []
  for (const entry of line.split(',').slice(-ENTRIES_MAX).toReversed()) {
    const address = bareAddress(entry.trim())
    if (!isAddress(address)) break
    read.unshift(address)
  }
  return read.join(', ')
}

function bareAddress(entry: string): string {
  const text = entry.replaceAll('"', '')
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(text)?.[1]
  const withPort = /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text)?.[1]
  return bracketed ?? withPort ?? text
}
