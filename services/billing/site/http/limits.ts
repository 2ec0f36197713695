// Limits on what the web server takes from strangers, each with its reason.

/** Longest form body, bytes: name, address and note in a script of three bytes a letter, each byte
 * written as %XX, take a third of it. Routes that take a document say so (kit/door.ts). */
export const BODY_BYTES_MAX = 16_384
/** Longest path parameter: meter numbers have 32 characters, tokens 22. */
export const PARAM_CHARS_MAX = 64
/** Longest time a whole request may take to arrive, milliseconds (slow loris). */
export const REQUEST_MS_MAX = 15_000
/** The same for a file, milliseconds: 32 MiB over a line of 1 Mbit/s. It is sent by somebody who
 * is logged in, and others are not kept out: an address has so many connections. */
export const UPLOAD_MS_MAX = 300_000
/** Time after which a silent client is dropped, milliseconds. */
export const CONNECTION_MS_MAX = 30_000
/** Longest time for a request's header, milliseconds: a page's own takes one packet. */
export const HEADERS_MS_MAX = 10_000
/** Longest header, bytes: cookies of ours have 100, what proxies and browsers add fits tenfold. */
export const HEADER_BYTES_MAX = 8_192
/** How often Node looks for requests that take too long, milliseconds: its own 30 s would double
 * the limits above. */
export const LOOK_MS = 5_000
/** Longest time an idle connection is kept for its next request, milliseconds. */
export const IDLE_MS_MAX = 30_000
/** Most connections at once: memory per connection is about 20 kB. */
export const CONNECTIONS_MAX = 1_000
/** Idle ones of one address: ten browsers with six connections each. */
export const CONNECTIONS_PER_ADDRESS = 64

/** Requests per minute and address: sixty households behind one address who open their link, their
 * bill and what belongs to the page; five times the need of ten windows that refresh every 5 s. */
export const REQUESTS_PER_MINUTE = 600
/** Addresses remembered by the limiter; the oldest is forgotten first. */
export const ADDRESSES_MAX = 10_000
