// The part of the table of fault codes (faults.ts) that is about links: WIR what comes over the
// line, SEC who may say it.

export type Severity = 'info' | 'warn' | 'error' | 'alarm'

export interface Fault {
  /** What happened, without the code. */
  readonly is: string
  readonly severity: Severity
  /** What the operator does next. */
  readonly then: string
}

/** One row of the table. */
export const fault = (severity: Severity, is: string, then: string): Fault => ({
  is,
  severity,
  then,
})

export const LINK_FAULTS = {
  'WIR-01': fault('warn', 'unknown protocol version', 'upgrade the older side; both speak TVES/1'),
  'WIR-02': fault(
    'warn',
    'message longer than the limit',
    'find the sender: no Ticklock sends this',
  ),
  'WIR-03': fault(
    'warn',
    'message cut short or malformed',
    'check the line; if repeated, find the sender',
  ),
  'WIR-04': fault(
    'warn',
    'message not allowed in this state of the link',
    'find the sender: no Ticklock sends this',
  ),
  'WIR-05': fault(
    'warn',
    'too many connections or handshakes',
    'find the flood, or raise TICKLOCK_HANDSHAKES_PER_SOURCE',
  ),
  'WIR-06': fault(
    'info',
    'link closed: it was silent for too long',
    'nothing; the slave reconnects',
  ),
  'WIR-07': fault(
    'warn',
    'master cannot be reached',
    'check address, port and network; readings are kept',
  ),
  'WIR-08': fault(
    'warn',
    'peer does not drain what is sent to it',
    'check the line; the link is dropped and resumes',
  ),
  'WIR-09': fault(
    'warn',
    'first message of a session came a second time',
    'nothing: a copy is not answered; many of them: somebody plays recordings',
  ),
  'WIR-10': fault(
    'warn',
    'a connection that proved nothing gave way to another caller',
    'if many: find who holds them; at a site of many slaves raise TICKLOCK_HANDSHAKES_PER_SOURCE',
  ),
  'SEC-01': fault('warn', 'device unknown', 'enrol it with a one-time token'),
  'SEC-02': fault(
    'warn',
    'time tag further ahead than the tolerance',
    'see the device on the fleet page: its clock is fast',
  ),
  'SEC-03': fault(
    'alarm',
    'frame does not open: damaged or forged',
    'if repeated from one address, treat it as an attack',
  ),
  'SEC-04': fault(
    'warn',
    'epoch or run unknown',
    'nothing if it happens once; if repeated, enrol the device again',
  ),
  'SEC-05': fault(
    'warn',
    'sequence number already spent: a repeat',
    'nothing if rare; if many, someone is replaying a recording',
  ),
  'SEC-06': fault(
    'info',
    'sequence number ahead of the next expected',
    'nothing; the slave sends the missing frames',
  ),
  'SEC-07': fault(
    'warn',
    'enrolment token unknown, wrong or expired',
    'issue a new token for the device',
  ),
  'SEC-08': fault(
    'alarm',
    'enrolment token already used by another key',
    'revoke the device, then enrol it with a new token',
  ),
  'SEC-09': fault(
    'warn',
    'handshake message does not authenticate',
    'if repeated, the caller has the wrong keys or is hostile',
  ),
  'SEC-10': fault(
    'alarm',
    'master key does not match the token fingerprint',
    'do not enrol: check the address, then issue a new token',
  ),
  'SEC-11': fault(
    'alarm',
    'control message does not open',
    'nothing if it happens once (line damage); the link restarts',
  ),
  'SEC-12': fault(
    'warn',
    'key of that second has been destroyed',
    'something acknowledged came again; if many, a replay attack',
  ),
  'SEC-13': fault(
    'alarm',
    'device reports a meter that belongs to another device',
    'correct the assignment or revoke the device',
  ),
  'SEC-14': fault(
    'alarm',
    'device is revoked',
    'find out who holds it; enrol again if it was a mistake',
  ),
  'SEC-15': fault(
    'alarm',
    'device gave up too many frames',
    'look at its exceptions: a failing disk, or a slave that lies',
  ),
  'SEC-16': fault(
    'alarm',
    'what outlives a session was not said under the static key',
    "somebody speaks with a session's stolen keys: find out who read its memory",
  ),
  'SEC-17': fault(
    'warn',
    'announced master key never answered: forgotten',
    'nothing while a key is being replaced; else see which keys the head-end holds',
  ),
  'SEC-18': fault(
    'alarm',
    'closed epoch in doubt: not drained, or drained and yet in use',
    'somebody may hold a copy of the keys: see operating.md, "Closed epochs"',
  ),
  'SEC-19': fault(
    'alarm',
    'device asks for too many new epochs',
    'somebody may hold a copy of the keys: see operating.md, "Closed epochs"',
  ),
  'SEC-FORK': fault(
    'alarm',
    'histories of device and master differ',
    'a restored copy or a tampered database: investigate',
  ),
} as const satisfies Record<string, Fault>
