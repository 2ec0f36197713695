// Limits on what the web server takes from strangers, each with its reason.

/** Longest form body, bytes: ten times what name, password and token need. */
export const BODY_BYTES_MAX = 4_096
/** Longest path parameter: meter numbers have 32 characters, tokens 22. */
export const PARAM_CHARS_MAX = 64
/** Longest time a whole request may take to arrive, milliseconds (slow loris). */
export const REQUEST_MS_MAX = 15_000
/** Time after which a silent client is dropped, milliseconds. */
export const CONNECTION_MS_MAX = 30_000
/** Most connections at once: memory per connection is about 20 kB. */
export const CONNECTIONS_MAX = 1_000

/** Requests per minute and address: sixty households behind one address who open their link, their
 * bill and what belongs to the page; five times the need of ten windows that refresh every 5 s. */
export const REQUESTS_PER_MINUTE = 600
/** Addresses remembered by the limiter; the oldest is forgotten first. */
export const ADDRESSES_MAX = 10_000
