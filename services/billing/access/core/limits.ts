// How often strangers may try to get in, and how long sessions and links last.

/** Login attempts per minute and address: a person mistypes three times. */
export const LOGINS_PER_MINUTE = 5
/** Attempts per minute and name, from all addresses together that are new to it: twice as many as
 * one address may make. */
export const LOGINS_PER_ACCOUNT = 10
/** Names whose attempts are remembered; the one tried longest ago is forgotten first. */
export const NAMES_MAX = 10_000
/** Uses of links per minute and address: bills go out together, and a house or a mobile network may
 * share one address. Guessing is hopeless (128 bits); this bounds the work. */
export const LINKS_PER_MINUTE = 120

const HOUR_MS = 3_600_000
/** An operator logs in once a shift. */
export const OPERATOR_SESSION_MS = 12 * HOUR_MS
/** A customer opens the link again next time; on a shared device no session should last. */
export const CUSTOMER_SESSION_MS = 2 * HOUR_MS
/** A link in a notice lives until after the usual due date, then the next bill brings a new one. */
export const CUSTOMER_LINK_MS = 45 * 24 * HOUR_MS
/** A set-up link is printed at the start of a server without operators. */
export const SETUP_LINK_MS = 24 * HOUR_MS
