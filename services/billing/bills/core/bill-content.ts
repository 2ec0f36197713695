// What is stored of a bill. A page, a PDF or a notice shows this and nothing else, and recomputes
// nothing. Every number is a string, so that no float can come between the database and the paper.

/** What is issued now. */
export const BILL_FORMAT = 'ticklock-bill/2'
/** What was issued before there were segments: one meter, both readings at the exact instants. */
export const BILL_FORMAT_1 = 'ticklock-bill/1'

/** Who says what a register showed: the meter's own load profile, the slave that asked or listened,
 * or a person. */
export const READ_BY = ['profile', 'slave', 'opening', 'closing', 'technician', 'customer'] as const
export type ReadBy = (typeof READ_BY)[number]

/** How the value of a register at an instant was found. */
export const WAYS = ['exact', 'nearest', 'interpolated', 'estimated'] as const
export type Way = (typeof WAYS)[number]

/** What an estimate was made from: readings around it, an average per day, or a reading under a
 * clock that is too wrong. */
export const ESTIMATES = ['around', 'average', 'wrong clock'] as const
export type EstimateBy = (typeof ESTIMATES)[number]

/** Whose clock timed the readings. `never compared`: the meter's, and no slave has compared it;
 * `not kept`: a bill of the first format does not say. */
export const CLOCKS = ['meter', 'slave', 'person', 'never compared', 'none', 'not kept'] as const
export type ClockOf = (typeof CLOCKS)[number]

// Type aliases, not interfaces: these are JSON objects, and only an alias fits the type of one.
export type BilledSample = {
  /** UTC, `2026-04-30T18:30:00Z`. */
  readonly at: string
  /** As the register holds it, and its power of ten of Wh. */
  readonly value: string
  readonly exponent: string
  readonly kWh: string
  readonly by: ReadBy
}
export type BilledReading = Omit<BilledSample, 'by'> & {
  readonly way: Way
  /** '' unless it is estimated. */
  readonly estimate: EstimateBy | ''
  /** The readings it comes from. */
  readonly basis: readonly BilledSample[]
  /** The clock minus UTC and its bound, milliseconds; '' where unknown. */
  readonly clock: {
    readonly of: ClockOf
    readonly offsetMs: string
    readonly boundMs: string
    /** UTC: when the meter's clock was compared. */
    readonly comparedAt: string
  }
  /** Number of the bill that counted from or to it already; '' when none did. */
  readonly bill: string
}
export type BilledRegister = {
  readonly register: string
  readonly opening: BilledReading
  readonly closing: BilledReading
  readonly kWh: string
  readonly rolledOver: 'yes' | 'no'
}
/** A meter for its time at the place. digits: '' when its registers never roll over. */
export type BilledSegment = {
  readonly meter: { readonly number: string; readonly multiplier: string; readonly digits: string }
  /** UTC. */
  readonly from: string
  readonly to: string
  readonly registers: readonly BilledRegister[]
  readonly kWh: string
}
export type BilledPart = {
  readonly quantity: string
  readonly rate: string
  /** Exact, every digit; of a fraction of a month, cut to twelve places. */
  readonly amount: string
  /** Days of the month of which `quantity` are billed; absent: all of them, or no month. */
  readonly of?: string
}
export type BilledLine = {
  readonly code: string
  readonly label: string
  readonly kind: 'slabs' | 'fixed' | 'tax'
  readonly parts: readonly BilledPart[]
  /** Rounded once; these add up to the total. */
  readonly amount: string
}
export type Utility = {
  readonly name: string
  readonly address: string
  readonly contact: string
  /** How to pay, one sentence per entry. */
  readonly payment: readonly string[]
  /** Missing where the utility had none. */
  readonly legal?: string
  /** SHA-256 of its logo, in hex; drawn from what is kept under it. */
  readonly logo?: string
}
export type BillContent = {
  /** As it was issued; a bill of the first format is read as one of the second. */
  readonly format: typeof BILL_FORMAT | typeof BILL_FORMAT_1
  readonly number: string
  readonly issuedAt: string
  readonly issuedOn: string
  readonly dueOn: string
  readonly utility: Utility
  readonly customer: { readonly number: string; readonly name: string; readonly address: string }
  readonly servicePoint: { readonly code: string; readonly address: string; readonly zone: string }
  readonly period: { readonly from: string; readonly to: string; readonly days: string }
  /** The meters in the order in which they came; their times tile the period. */
  readonly segments: readonly BilledSegment[]
  readonly energy: { readonly kWh: string; readonly estimated: 'yes' | 'no' }
  readonly tariff: {
    readonly code: string
    readonly name: string
    readonly validFrom: string
    readonly hash: string
    readonly rounding: string
    readonly slabProration: string
    /** What slab limits were multiplied by. */
    readonly months: string
    readonly source: string
  }
  readonly currency: string
  readonly minorDigits: string
  readonly lines: readonly BilledLine[]
  readonly total: string
}
