// What the master's core keeps, what can happen to it, and what it asks its shell to do. One core
// serves all links; it holds the roster in memory, judges every message, and never touches a
// socket, a clock or a database.
//
// Types only, which the other files of the core share instead of importing each other. Each value
// is changed by one file, named beside it, and read by all: a function that takes `Owned<X>`
// changes X, any other only reads it. (A `Map` is writable to everybody as far as TypeScript knows;
// its owner is named too.)

import type { MeterClockReport } from '../../../shared/clock/evidence.ts'
import type { FaultCode } from '../../../shared/faults.ts'
import type { Random } from '../../../shared/bytes.ts'
import type { OpenCommand } from '../../../shared/handover/commands.ts'
import type {
  DeviceRecord,
  Doubt,
  EpochRecord,
  SecretPlace,
  TokenRecord,
} from '../../../shared/handover/roster.ts'
import type {
  AcceptedFrame,
  DeviceId,
  DeviceStatus,
  ProcessAnchor,
  StreamPosition,
} from '../../../shared/handover/sink.ts'
import type { ControlChannel, EpochSecret } from '../../../shared/tves/handshake.ts'
import type { Handshake, KeyPair } from '../../../shared/tves/noise.ts'
import type { Suite } from '../../../shared/tves/suite.ts'
import type { UnixMs, UnixUs } from '../../../shared/units.ts'
import type { SealedUpTo } from '../../../shared/wire/control.ts'
import type { FrameHeader } from '../../../shared/wire/frame.ts'
import type { Receipt } from '../../../shared/wire/commands.ts'
import type { Draining, EpochKeys, EpochState } from './epoch-state.ts'
import type { Floodgate, HandshakeLimits, Ticket } from './flood.ts'
import type { RecentSteps } from './recent-steps.ts'

export type { EpochKeys, EpochState, RunState } from './epoch-state.ts'

/** A state as seen by the file that owns it. */
export type Owned<State> = { -readonly [Key in keyof State]: State[Key] }

export interface MasterSetup {
  readonly suite: Suite
  readonly random: Random
  /** The master's static X25519 key pairs, newest first; usually one. */
  readonly staticKeys: readonly [KeyPair, ...KeyPair[]]
  /** Where they differ from those of wire.md 10. */
  readonly handshakeLimits?: Partial<HandshakeLimits>
  /** How far a time tag may be ahead, seconds 1..60 (wire.md 6.2). */
  readonly toleranceSeconds: number
  /** Opens a secret the shell's key store wrapped for this place; null when it does not open. What
   * it returns is the core's to overwrite. */
  readonly unwrap: (wrapped: Uint8Array, place: SecretPlace) => Uint8Array | null
}

/** One step's view: the state, the time, and the actions it collects. */
export interface Turn {
  readonly setup: MasterSetup
  readonly roster: RosterState
  readonly handshakes: HandshakeCount
  /** Opened and closed by links.ts. */
  readonly links: Map<LinkId, Link>
  readonly floodgate: Floodgate
  readonly recentSteps: RecentSteps
  readonly now: Now
  readonly actions: MasterAction[]
}

// Links.

/** A number the shell gives each connection. */
export type LinkId = number

/** One connection. */
export interface Link {
  readonly id: LinkId
  readonly transport: 'tcp' | 'ws'
  readonly source: string
  readonly site: string
  readonly openedAt: number
  /** The next five: links.ts. */
  readonly phase: LinkPhase
  /** As whom the caller authenticated; null before a session, or step 3 of an enrolment. */
  readonly calledAs: CalledAs | null
  /** Which of our static keys it was called under; null before a handshake. */
  readonly calledUnder: KeyPair | null
  /** Its place among the handshakes in flight; null: it has none. This and the next: links.ts. */
  readonly handshaking: Ticket | null
  /** The device that the handshake is for, once it is known. */
  readonly handshakeFor: DeviceState | null
  /** Frames in a row that did not open. This and the next two: intake.ts. */
  readonly damaged: number
  /** Header of the last reading frame that came on this link, accepted or not: a compact header is
   * read against it. */
  readonly predecessor: FrameHeader | null
  /** The last body that did not open, in case the slave asks for it to be skipped. */
  readonly suspect: Uint8Array | null
  /** What this link's CONFIRM said of frames that were not durable then: drained.ts. */
  readonly owed: readonly SealedUpTo[]
  /** Until when METER CLOCKs of this link have used up what a minute allows, microseconds:
   * reports.ts. */
  readonly meterClocksUntil: number
}

/** What identifies a caller beyond its device, whose record may change under an open link. */
export interface CalledAs {
  readonly staticKey: Uint8Array
  /** Of the enrolment that made its psk. */
  readonly attempt: number
}

export type LinkPhase =
  | { readonly is: 'new' }
  | { readonly is: 'enrolling'; readonly noise: Handshake; readonly token: KnownToken }
  /** The shell stores the enrolment; nothing may arrive meanwhile. */
  | { readonly is: 'storing'; readonly channel: ControlChannel; readonly device: DeviceState }
  /** Session keys stand; CONFIRM must come first. */
  | {
      readonly is: 'greeted'
      readonly device: DeviceState
      readonly channel: ControlChannel
      readonly offer: Offer | null
      /** An epoch was due or asked for, and there are too many (SEC-19). */
      readonly withheld: boolean
      /** Place among all handshakes. */
      readonly place: number
    }
  /** CONFIRM came, while frames of the link before are on their way to the sink: their fate decides
   * the positions we answer with. */
  | {
      readonly is: 'confirming'
      readonly device: DeviceState
      readonly channel: ControlChannel
      readonly offer: Offer | null
      /** What the slave asked for the positions of. */
      readonly runs: readonly SealedUpTo[]
    }
  /** CONFIRM came, and its epoch is being stored. */
  | {
      readonly is: 'founding'
      readonly device: DeviceState
      readonly channel: ControlChannel
      readonly epoch: EpochKeys
      readonly runs: readonly SealedUpTo[]
    }
  /** CONFIRM named epochs that are not in memory: they may be drained. */
  | {
      readonly is: 'recalling'
      readonly device: DeviceState
      readonly channel: ControlChannel
      /** The epoch just stored, 0: none. */
      readonly epoch: number
      readonly runs: readonly SealedUpTo[]
    }
  | { readonly is: 'open'; readonly device: DeviceState; readonly channel: ControlChannel }

/** An epoch offered in this session, waiting for CONFIRM. */
export interface Offer extends EpochSecret {
  readonly origin: UnixMs
}

/** Owner: handshakes.ts. */
export interface HandshakeCount {
  /** Session handshakes so far. */
  readonly greeted: number
}

// The roster.

/** Owner: roster.ts, which alone holds its maps writable. */
export interface RosterState {
  readonly devices: ReadonlyMap<DeviceId, DeviceState>
  /** By the slave's static public key, in hex. */
  readonly byKey: ReadonlyMap<string, DeviceState>
  readonly tokens: ReadonlyMap<string, KnownToken>
}

export interface KnownToken extends TokenRecord {
  readonly clearSecret: Uint8Array
}

export interface DeviceState {
  /** Owner: roster.ts. */
  readonly record: DeviceRecord
  readonly idBytes: Uint8Array
  /** This and the next six: streams.ts. */
  readonly epochs: Map<number, EpochState>
  readonly newest: number | null
  readonly newestSince: UnixMs | null
  /** Durable positions of runs before the newest of their epoch. */
  readonly past: Map<number, StreamPosition>
  /** Accepted, waiting until the frames before them are durable. */
  readonly waiting: AcceptedFrame[]
  /** On their way to the sink. */
  readonly outstanding: readonly AcceptedFrame[] | null
  /** Until when its new epochs have used up what is allowed, microseconds. */
  readonly newEpochsUntil: number
  /** The one whose CONFIRM came last, while it is up: links.ts. */
  readonly link: LinkId | null
  /** Links with a handshake in flight for it, oldest first, and where its last CONFIRMs came from,
   * newest first: links.ts. */
  readonly handshakes: readonly LinkId[]
  readonly seenAt: readonly string[]
  /** Place of the handshake whose CONFIRM came last, in the order of all handshakes. This and the
   * next: confirm.ts. */
  readonly confirmed: number
  /** Links whose CONFIRM is answered once `outstanding` is settled. */
  readonly confirming: readonly LinkId[]
  /** The epoch that is being set aside as drained; null: none is. Owner: drained.ts. */
  readonly draining: Draining | null
  /** Owner: commands.ts. */
  readonly commands: CommandState
  /** When frames were given up of late, oldest first (SEC-15): given-up.ts. */
  readonly givenUp: readonly UnixMs[]
}

/** What a check of a device's frames looks at. */
export interface DeviceView extends Pick<DeviceState, 'record' | 'idBytes'> {
  readonly epochs: ReadonlyMap<number, EpochState>
}

/** What the master knows of one device's commands. */
export interface CommandState {
  /** The oldest without a receipt. */
  readonly open: OpenCommand | null
  /** Number sent on the link that is up now. */
  readonly sent: number
  /** Number whose receipt is on its way to the disk; 0: none is. */
  readonly storing: number
  /** Highest number whose receipt is durable: the slave may repeat it, and an older look at the
   * open commands may still show it. */
  readonly receipted: number
}

// Events and actions.

export type MasterEvent =
  | {
      readonly on: 'opened'
      readonly link: LinkId
      readonly transport: 'tcp' | 'ws'
      /** Where it comes from, as the shell counts addresses; flood limits apply per source. */
      readonly source: string
      /** The network around it, which has the room of a few sources; left out: it stands alone. */
      readonly site?: string
    }
  | { readonly on: 'body'; readonly link: LinkId; readonly body: Uint8Array }
  | { readonly on: 'closed'; readonly link: LinkId }
  /** Result of `enrol`. `conflict`: another key holds the token. */
  | {
      readonly on: 'enrolled'
      readonly link: LinkId
      readonly result: 'stored' | 'conflict' | 'failed'
    }
  /** Result of `commit-epoch`. */
  | { readonly on: 'epoch-committed'; readonly link: LinkId; readonly stored: boolean }
  /** Result of `recall`: those that are drained; null: the database does not say. */
  | {
      readonly on: 'recalled'
      readonly link: LinkId
      readonly found: {
        readonly epochs: readonly EpochRecord[]
        readonly positions: readonly StreamPosition[]
      } | null
    }
  /** Result of `drain`. */
  | {
      readonly on: 'drained'
      readonly link: LinkId
      readonly device: DeviceId
      readonly stored: boolean
    }
  /** Result of `append`: all its frames are durable, or none. */
  | { readonly on: 'appended'; readonly device: DeviceId; readonly durable: boolean }
  /** Result of `receipt`. */
  | {
      readonly on: 'receipt-stored'
      readonly device: DeviceId
      readonly number: number
      readonly durable: boolean
    }
  /** About once a second. */
  | { readonly on: 'tick' }

export type MasterAction =
  | { readonly do: 'send'; readonly link: LinkId; readonly body: Uint8Array }
  | { readonly do: 'drop'; readonly link: LinkId; readonly fault: FaultCode }
  /** Burn the token and store key and psk, in one transaction. The psk is in clear; the shell wraps
   * it. */
  | {
      readonly do: 'enrol'
      readonly link: LinkId
      readonly token: string
      readonly device: DeviceId
      readonly staticKey: Uint8Array
      readonly psk: Uint8Array
      readonly attempt: number
    }
  /** Store a new epoch and close the older ones. The keys are in clear; the shell wraps them, and
   * overwrites these. */
  | {
      readonly do: 'commit-epoch'
      readonly link: LinkId
      readonly device: DeviceId
      readonly id: number
      readonly origin: UnixMs
      readonly transcript: Uint8Array
      readonly keys: Uint8Array
      /** Of the caller, which must still be the device's when the epoch is stored. */
      readonly staticKey: Uint8Array
    }
  /** Hand on; never two at a time for one device, so that no gap can become durable. */
  | {
      readonly do: 'append'
      readonly device: DeviceId
      readonly frames: readonly AcceptedFrame[]
    }
  /** This device's last CONFIRM came in a session under the master's key of this tag. */
  | { readonly do: 'called-under'; readonly device: DeviceId; readonly tag: Uint8Array }
  /** A secret in the roster that our wrap keys do not open. */
  | {
      readonly do: 'unreadable'
      readonly device: DeviceId
      readonly what: 'psk' | 'token' | 'key tree'
      readonly wrapped: Uint8Array
    }
  /** Look for epochs among those that are drained. Answered by `recalled`. */
  | {
      readonly do: 'recall'
      readonly link: LinkId
      readonly device: DeviceId
      readonly epochs: readonly number[]
    }
  /** Set an epoch aside as drained; its keys are in clear. Answered by `drained`. */
  | {
      readonly do: 'drain'
      readonly link: LinkId
      readonly device: DeviceId
      readonly epoch: number
      readonly keys: Uint8Array
    }
  /** It is not drained after all; its keys are in clear. */
  | {
      readonly do: 'revive'
      readonly device: DeviceId
      readonly epoch: number
      readonly keys: Uint8Array
    }
  /** CONFIRM named these closed epochs. */
  | { readonly do: 'named'; readonly device: DeviceId; readonly epochs: readonly number[] }
  /** Something contradicts what a device said: an exception. */
  | { readonly do: 'doubt'; readonly doubt: Doubt }
  | {
      readonly do: 'connected'
      readonly link: LinkId
      readonly device: DeviceId
      readonly transport: 'tcp' | 'ws'
    }
  | { readonly do: 'disconnected'; readonly device: DeviceId }
  | { readonly do: 'command-sent'; readonly device: DeviceId; readonly number: number }
  /** Store the device's answer to a command, then look for the next one. Answered by
   * `receipt-stored`. */
  | { readonly do: 'receipt'; readonly device: DeviceId; readonly receipt: Receipt }
  | { readonly do: 'status'; readonly device: DeviceId; readonly status: DeviceStatus }
  | {
      readonly do: 'meter-clock'
      readonly device: DeviceId
      readonly report: MeterClockReport
      readonly at: UnixMs
    }
  /** Hand on what ties a slave's process to UTC. */
  | { readonly do: 'anchor'; readonly device: DeviceId; readonly anchor: ProcessAnchor }
  /** Device null: nobody authenticated on that link. */
  | { readonly do: 'refused'; readonly device: DeviceId | null; readonly code: FaultCode }

/** The master's clock at an event, and what it knows of itself. */
export interface Now {
  readonly at: UnixUs
  /** Bound of |UTC - at|, microseconds; null: not synchronised. */
  readonly bound: number | null
  /** The same clock when the event's bytes arrived; omitted: now. */
  readonly arrived?: UnixUs
}
