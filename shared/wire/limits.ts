// The limits and fixed lengths of wire.md, each named once.

import { type SpanMs, spanMs } from '../units.ts'

/** Longest body, bytes: what a u16 length can say. 8,000 profile readings take about 41 kB. */
export const BODY_BYTES_MAX = 65_535
/** Longest body before a session's step 1 was taken, bytes: that step with its ML-KEM key has
 * 1,312, and nothing else is longer. Source: wire.md 10. */
export const GREETING_BYTES_MAX = 2_048
/** Longest body between step 1 and CONFIRM, which with 256 runs has 11,288 bytes. */
export const CONFIRM_BYTES_MAX = 12_288
/** Most readings in one frame: keeps what a frame unpacks to below 1 MiB. Source: wire.md 10. */
export const FRAME_READINGS_MAX = 8_000
/** This many readings of one instant always fit one body: alone in its block, a reading takes at
 * most 59 bytes. */
export const READINGS_ALWAYS_FIT = 1_000
/** Longest plaintext of a frame without a salt, padding included: the largest multiple of 64 less
 * the three bytes before what is padded. */
export const PLAINTEXT_BYTES_MAX = 65_469
/** Most heads in an opener: 256 of them take 11 kB. Source: wire.md 10. */
export const HEADS_MAX = 256
/** Most entries in a CONFIRM or COMMITTED: 256 * 45 bytes fit a body five times. wire.md 5. */
export const STREAMS_LISTED_MAX = 256
/** Most fault codes in a STATUS. Source: wire.md 5. */
export const STATUS_FAULTS_MAX = 32
/** METER CLOCKs taken from one link per minute: as many as a slave has meters. */
export const METER_CLOCKS_PER_MINUTE = 1_000
/** Longest fault code, ASCII bytes. Source: wire.md 2.1. */
export const FAULT_CODE_BYTES_MAX = 16
/** An unfinished handshake is dropped after this long: it holds memory for a stranger. */
export const HANDSHAKE_TIME_MAX: SpanMs = spanMs(10_000)
/** A link that is silent for this long is dead; a live slave asks for the time every 64 s. */
export const LINK_SILENCE_MAX: SpanMs = spanMs(120_000)
/** Most frames sent and not yet acknowledged: what a dropped link has to send again. */
export const FLIGHT_FRAMES_MAX = 64
/** Most bytes sent and not yet acknowledged. */
export const FLIGHT_BYTES_MAX = 1_048_576
/** Most epochs of one device that are not drained: an outage on each of the 400 days that a slave
 * keeps frames, and then some. At the limit no new one is offered; nothing is destroyed for it. */
export const OPEN_EPOCHS_MAX = 1_000
/** New epochs of one device: this many at once, and one more each time this has passed. A slave
 * takes one an hour, and some after a crash in the middle of a handshake; who asks for more wants
 * to push others out. */
export const NEW_EPOCHS_AT_ONCE = 24
export const NEW_EPOCH_EVERY: SpanMs = spanMs(900_000)
/** The keys of a drained epoch are kept for as long as this, days: a bill of the month is made, and
 * every gap in it seen, before a key of that month goes; and longer than a slave keeps what was
 * acknowledged. */
export const DRAINED_KEPT_DAYS = 35
/** How often a device may give frames up (TOMBSTONE, SKIP) within GIVEN_UP_DAYS before it alarms
 * (SEC-15): disks rot rarely. Source: wire.md 6.4. */
export const GIVEN_UP_MAX = 3
export const GIVEN_UP_DAYS = 30
/** Oldest frame a slave keeps for sending, days. */
export const OUTBOX_AGE_DAYS_MAX = 400
/** How long a slave keeps what was acknowledged, in case the master is restored to an earlier
 * state, days. */
export const ACKNOWLEDGED_KEPT_DAYS = 7
/** Furthest jump of the second's index, seconds: as long as frames are kept. A clock further off is
 * broken. */
export const INDEX_JUMP_MAX = OUTBOX_AGE_DAYS_MAX * 86_400
/** Tolerance for time tags ahead of the master, seconds. */
export const TOLERANCE_MIN = 1
export const TOLERANCE_MAX = 60
export const TOLERANCE_DEFAULT = 10
/** Largest |value| of a reading: its zigzag form must stay below 2^53. Source: wire.md 8.2. */
export const READING_VALUE_MAX = 2 ** 52 - 1
/** Largest |power of ten| of a reading. */
export const READING_EXPONENT_MAX = 9
/** Furthest meter time from 1970, seconds: the range of an ECMAScript date. */
export const METER_TIME_MAX = 8_640_000_000_000

/** Largest instant and largest process time, milliseconds: six bytes. Source: wire.md 8.2. */
export const U48_MAX = 2 ** 48 - 1
/** Largest value of four bytes. */
export const U32_MAX = 2 ** 32 - 1
/** Last sequence number, which no frame has: behind each there is a next one. wire.md 6.4. */
export const SEQUENCE_END = 0xffff_ffff

export const DEVICE_ID_BYTES = 8
export const PROCESS_ID_BYTES = 8
export const TOKEN_ID_BYTES = 8
export const HASH_BYTES = 32
/** Tag of AES-256-GCM, at the end of whatever is sealed. */
export const TAG_BYTES = 16
export const RUN_SALT_BYTES = 16
export const CLOCK_REQUEST_ID_BYTES = 16
/** Most handshakes in flight: each holds memory for a stranger. Source: wire.md 10. */
export const HANDSHAKES_IN_FLIGHT_MAX = 1_024
export const HANDSHAKES_IN_FLIGHT_PER_SOURCE = 64
/** Handshakes begun per minute, per source address and per device at one address. Source: wire.md
 * 10. */
export const HANDSHAKES_PER_SOURCE = 60
export const HANDSHAKES_PER_DEVICE = 10
/** Of the handshakes in flight, those from addresses where no device confirmed a session lately:
 * the rest is kept for callers seen before. Source: wire.md 10. */
export const HANDSHAKES_IN_FLIGHT_STRANGERS = 768
/** In flight for one device: it is one slave, which may have left a link or two behind. Source:
 * wire.md 10. */
export const HANDSHAKES_IN_FLIGHT_PER_DEVICE = 4
/** Begun per minute for one device at all the addresses together where it was not seen before:
 * copies of its recorded calls cost a whole answer each. Source: wire.md 10. */
export const HANDSHAKES_PER_DEVICE_ELSEWHERE = 30
/** First messages remembered per device, in order to know a copy. A slave makes one an hour, or one
 * a minute on a very bad line. Source: wire.md 4. */
export const STEPS_REMEMBERED = 16
/** Addresses remembered per device at which it confirmed a session: home, and a second uplink. */
export const ADDRESSES_REMEMBERED = 4
/** A slave asks for a new epoch when the newest is this old, which heals a theft of keys. */
export const EPOCH_AGE_MAX: SpanMs = spanMs(3_600_000)
/** A session this old is ended by the master. A slave leaves it long before; a thief of its keys
 * who keeps the slave away would not. */
export const SESSION_AGE_MAX: SpanMs = spanMs(7_200_000)

/** Start of SHA-256 of a master's static public key, in session step 1. Source: wire.md 4. */
export const MASTER_KEY_TAG_BYTES = 4
/** The master's static X25519 public key. */
export const MASTER_KEY_BYTES = 32
/** At the end of a message that outlives its session. Source: wire.md 5.5. */
export const CERTIFICATE_BYTES = 32
/** Shortest and longest time between two readings that a command may ask for, seconds. */
export const SCHEDULE_SECONDS_MIN = 5
export const SCHEDULE_SECONDS_MAX = 86_400
