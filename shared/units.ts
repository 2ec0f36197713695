// Units live twice: in the branded type and in the name. A raw number does not fit where an instant
// belongs, and an instant does not fit where a span belongs. Casts to these brands happen here and
// in bytes.ts, nowhere else. A brand does not stop `instant < span`: compare through the helpers
// below.

declare const unit: unique symbol
type Branded<Base, Name extends string> = Base & { readonly [unit]: Name }

/** Milliseconds since 1970-01-01T00:00:00Z, an integer. */
export type UnixMs = Branded<number, 'UnixMs'>
/** Microseconds since 1970-01-01T00:00:00Z, an integer (exact until the year 2255). */
export type UnixUs = Branded<number, 'UnixUs'>
/** A length of time in milliseconds, signed. */
export type SpanMs = Branded<number, 'SpanMs'>
/** A length of time in microseconds, signed. */
export type SpanUs = Branded<number, 'SpanUs'>
/** Microseconds on a clock that only grows and starts anywhere: never compare across processes. */
export type MonoUs = Branded<number, 'MonoUs'>
/** Whole seconds since an epoch's origin: the index of a key. */
export type Second = Branded<number, 'Second'>
/** Parts per million, signed. */
export type Ppm = Branded<number, 'Ppm'>

export const unixMs = (value: number): UnixMs => Math.trunc(value) as UnixMs
export const unixUs = (value: number): UnixUs => Math.trunc(value) as UnixUs
export const spanMs = (value: number): SpanMs => value as SpanMs
export const spanUs = (value: number): SpanUs => value as SpanUs
export const monoUs = (value: number): MonoUs => value as MonoUs
export const second = (value: number): Second => Math.trunc(value) as Second
export const ppm = (value: number): Ppm => value as Ppm

export const usToMs = (at: UnixUs): UnixMs => Math.floor(at / 1_000) as UnixMs
export const msToUs = (at: UnixMs): UnixUs => (at * 1_000) as UnixUs
export const spanUsToMs = (span: SpanUs): SpanMs => (span / 1_000) as SpanMs
export const spanMsToUs = (span: SpanMs): SpanUs => (span * 1_000) as SpanUs

/** `to - from`, in milliseconds. */
export const betweenMs = (from: UnixMs, to: UnixMs): SpanMs => (to - from) as SpanMs
/** `to - from`, in microseconds. */
export const betweenUs = (from: UnixUs, to: UnixUs): SpanUs => (to - from) as SpanUs
/** `to - from` on one monotonic clock, in microseconds. */
export const elapsedUs = (from: MonoUs, to: MonoUs): SpanUs => (to - from) as SpanUs
export const shiftMs = (at: UnixMs, by: SpanMs): UnixMs => Math.trunc(at + by) as UnixMs
export const shiftUs = (at: UnixUs, by: SpanUs): UnixUs => Math.trunc(at + by) as UnixUs
export const shiftMono = (at: MonoUs, by: SpanUs): MonoUs => (at + by) as MonoUs

/** Whole seconds from the origin to `at`; negative before it. */
export const secondOf = (origin: UnixMs, at: UnixMs): Second =>
  Math.floor((at - origin) / 1_000) as Second
/** The instant at which second `index` begins. */
export const startOfSecond = (origin: UnixMs, index: Second): UnixMs =>
  (origin + index * 1_000) as UnixMs
