// What the web server takes from strangers, each with its reason. Those of logging in and of links
// are access's.

/** Longest form body, bytes: name, password and token fit ten times. */
export const BODY_BYTES_MAX = 4_096
/** Longest path parameter: meter numbers have 32 characters, tokens 22. */
export const PARAM_CHARS_MAX = 64
/** Slowest a whole request may arrive, milliseconds (slow-loris). */
export const REQUEST_MS_MAX = 15_000
/** A client that says nothing is dropped, milliseconds. */
export const CONNECTION_MS_MAX = 30_000
/** Most connections at once: memory per connection is about 20 kB. */
export const CONNECTIONS_MAX = 1_000

/** Requests per minute and address: pages that renew themselves every 5 s in ten windows, twice
 * over. */
export const REQUESTS_PER_MINUTE = 240
/** Addresses remembered by the limiter; the oldest is forgotten first. */
export const ADDRESSES_MAX = 10_000
