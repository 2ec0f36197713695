// How often strangers may try to get in, and how long sessions and links last.

/** Login attempts per minute and address: a person mistypes three times. */
export const LOGINS_PER_MINUTE = 5
/** Uses of links per minute and address: a household behind one address opens a few. */
export const LINKS_PER_MINUTE = 20

const HOUR_MS = 3_600_000
/** An operator logs in once a shift. */
export const OPERATOR_SESSION_MS = 12 * HOUR_MS
/** A customer opens the link again next time; on a shared device no session should last. */
export const CUSTOMER_SESSION_MS = 2 * HOUR_MS
/** A link in a notice lives until after the usual due date, then the next bill brings a new one. */
export const CUSTOMER_LINK_MS = 45 * 24 * HOUR_MS
/** A set-up link is printed at the start of a server without operators. */
export const SETUP_LINK_MS = 24 * HOUR_MS
