// Limits on what the web server takes from strangers, each with its reason.

/** Longest form body, bytes: ten times what name, password and token need. */
export const BODY_BYTES_MAX = 4_096
/** Longest path parameter: meter numbers have 32 characters, tokens 22. */
export const PARAM_CHARS_MAX = 64
/** Slowest a whole request may arrive, milliseconds (slow-loris). */
export const REQUEST_MS_MAX = 15_000
/** Time after which a silent client is dropped, milliseconds. */
export const CONNECTION_MS_MAX = 30_000
/** Most connections at once: memory per connection is about 20 kB. */
export const CONNECTIONS_MAX = 1_000

/** Requests per minute and address: twice the need of ten windows that refresh every 5 s. */
export const REQUESTS_PER_MINUTE = 240
/** Login attempts per minute and address: a person mistypes three times. */
export const LOGINS_PER_MINUTE = 5
/** Uses of links per minute and address: a household behind one address opens a few. */
export const LINKS_PER_MINUTE = 20
/** Addresses remembered by the limiter; the oldest is forgotten first. */
export const ADDRESSES_MAX = 10_000

const HOUR_MS = 3_600_000
/** An operator logs in once a shift. */
export const OPERATOR_SESSION_MS = 12 * HOUR_MS
/** A customer opens the link again next time; on a shared device no session should last. */
export const CUSTOMER_SESSION_MS = 2 * HOUR_MS
/** A link in a notice lives until after the usual due date, then the next bill brings a new one. */
export const CUSTOMER_LINK_MS = 45 * 24 * HOUR_MS
/** A set-up link is printed at the start of a server without operators. */
export const SETUP_LINK_MS = 24 * HOUR_MS
