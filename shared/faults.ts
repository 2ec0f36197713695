// The one table of fault codes. A code is an API: logs, metrics, pages and alarms use it, and it
// never changes its meaning. docs/faults.md prints this table (tools/faults.js writes it, a test
// compares).

import { BILL_FAULTS } from './bill-faults.ts'
import { type Fault, fault, LINK_FAULTS } from './link-faults.ts'

export const FAULTS = {
  ...LINK_FAULTS,
  ...BILL_FAULTS,
  'CLK-01': fault('info', 'no clock exchange yet', 'wait; if repeated, check the link'),
  'CLK-02': fault(
    'warn',
    'clock exchange with impossible time stamps',
    'one side stepped its clock meanwhile; if repeated, check both',
  ),
  'CLK-03': fault(
    'info',
    'clock reply slower than the delay limit',
    'nothing if rare; if constant, the network is too slow',
  ),
  'CLK-04': fault(
    'warn',
    'unexpected clock reply',
    'late or repeated, discarded; if many, an attack',
  ),
  'CLK-05': fault(
    'error',
    'clock error bound larger than the tolerance',
    'check the link to the master and its own clock',
  ),
  'CLK-06': fault(
    'warn',
    'clock corrected by a step',
    'nothing just after a start; later, check the oscillator',
  ),
  'CLK-07': fault('error', 'master clock is not synchronised', 'repair NTP on the master'),
  'CLK-08': fault(
    'warn',
    "master's time contradicts what it said before",
    'nothing if its clock was just repaired; otherwise check both',
  ),
  'CLK-09': fault(
    'error',
    'clock corrections exceed their limit: held over',
    "check the master's clock, then restart the slave",
  ),
  'CLK-10': fault(
    'error',
    'time source contradicts the majority',
    'it is ignored; remove it, or ask its operator',
  ),
  'CLK-11': fault(
    'error',
    'no majority among the time sources: held over',
    'add sources; find out which one is wrong',
  ),
  'CLK-12': fault(
    'warn',
    'time source does not answer, or asks us to stop',
    'check its name, the network and the firewall (UDP)',
  ),
  'CLK-13': fault(
    'error',
    'NTS key establishment failed',
    'see the reason: certificate, this clock, or the server',
  ),
  'CLK-14': fault(
    'alarm',
    'NTS answer does not authenticate',
    'discarded; if many, someone on the path is forging time',
  ),
  'MTR-01': fault('warn', 'meter does not answer', 'check power, wiring, baud rate and address'),
  'MTR-02': fault('warn', 'checksum wrong', 'check the line for noise, then baud rate and parity'),
  'MTR-03': fault('warn', 'meter message malformed', 'check the configured protocol'),
  'MTR-04': fault(
    'info',
    'telegram without checksum',
    'allow it in the configuration if the meter has none',
  ),
  'MTR-05': fault(
    'error',
    'another meter answered',
    'once: a late answer of the meter asked before; often: a shared address, or swapped wires',
  ),
  'MTR-06': fault(
    'error',
    'meter line cannot be opened',
    'check the path or address and its permissions',
  ),
  'MTR-07': fault(
    'warn',
    'register value outside its range',
    'compare with the display; replace the meter',
  ),
  'MTR-08': fault(
    'info',
    'bytes between messages discarded',
    'nothing if rare; if many, noise or a wrong baud rate',
  ),
  'MTR-09': fault('warn', 'meter refuses the request', 'check what the meter supports'),
  'MTR-10': fault(
    'warn',
    'meter clock off by 60 s or more: too far for a light correction',
    'look at it, then ticklock command DEVICE sync-clock METER',
  ),
  'MTR-11': fault(
    'error',
    'meter clock off by more than 4 h: times invalid',
    'set it on site, or replace the meter',
  ),
  'MTR-12': fault(
    'warn',
    'meter clock stepped: someone else set it',
    "ask who did; together with CLK-08, the slave's own clock jumped",
  ),
  'MTR-13': fault(
    'warn',
    'register of a telegram not understood',
    'compare with the display; report the line that is named',
  ),
  'MTR-14': fault(
    'error',
    'checksum of another kind than the protocol has',
    'if the meter is known for it, name that checksum on its line',
  ),
  'MTR-15': fault(
    'info',
    'part of a telegram that is not kept',
    'nothing; it is named once a day (meters.md 2)',
  ),
  'OPS-01': fault(
    'error',
    'Node is too old',
    'start it through npm, which brings Node 26, or install Node 26',
  ),
  'OPS-02': fault('error', 'program is not built', 'run "npm run build"'),
  'OPS-03': fault('error', 'port is taken', 'stop the other program or choose another port'),
  'OPS-04': fault(
    'error',
    'data folder cannot be written',
    'correct its owner or choose another folder',
  ),
  'OPS-05': fault(
    'error',
    'configuration is not valid',
    'correct the setting or line that is named',
  ),
  'OPS-06': fault(
    'alarm',
    'disk full: nothing more can be stored',
    'free space; reading resumes by itself',
  ),
  'OPS-07': fault('error', 'embedded PostgreSQL does not start', 'see its log in the data folder'),
  'OPS-08': fault(
    'error',
    'database cannot be reached',
    'check PostgreSQL; slaves keep their readings',
  ),
  'OPS-09': fault(
    'error',
    'no embedded PostgreSQL for this machine',
    'set DATABASE_URL to a PostgreSQL 15 or newer',
  ),
  'OPS-10': fault(
    'error',
    'secret file readable by others',
    'run chmod 600 on it; if it leaked, enrol again',
  ),
  'OPS-11': fault('error', 'another process uses the data folder', 'stop it first'),
  'OPS-12': fault('error', 'command not understood', 'run "ticklock help"'),
  'OPS-13': fault('error', 'database is newer than this program', 'run the newer version'),
  'OPS-14': fault(
    'alarm',
    'outbox reached its age limit: oldest frames dropped',
    'restore the link; see operating-slave.md',
  ),
  'OPS-15': fault(
    'alarm',
    'outbox reached its size limit: no new readings stored',
    'restore the link; see operating-slave.md',
  ),
  'OPS-16': fault(
    'error',
    'stored record damaged',
    'replace the disk; the slave continues with what is intact',
  ),
  'OPS-17': fault(
    'warn',
    'command expired, or the clock was too uncertain for it',
    'give it again once the device is synchronised',
  ),
  'OPS-18': fault(
    'warn',
    'too many commands wait for this device',
    'see why it does not answer; give commands once it is linked',
  ),
  'OPS-19': fault(
    'alarm',
    'acknowledged frames are gone at the master',
    'its database went back to an earlier state: restore a newer backup',
  ),
  'OPS-20': fault('warn', 'login refused', 'check name and password; if many, someone is guessing'),
  'OPS-21': fault('info', 'link unknown, used or expired', 'send a new one'),
  'OPS-22': fault('warn', 'form without its token', 'load the page again'),
  'OPS-23': fault('warn', 'too many attempts', 'wait a minute'),
  'OPS-24': fault(
    'error',
    'secret in the database does not open',
    'restore wrap.key if it was lost; see "Keys" in operating.md',
  ),
  'OPS-25': fault(
    'error',
    "the link's thread ended: the slave stops",
    'restart the slave; nothing stored is lost; report it with the detail',
  ),
  'OPS-26': fault(
    'error',
    "the clock's thread ended: started again",
    'nothing if it happens once; the clock was held over; report it with the detail',
  ),
  'OPS-27': fault('warn', 'not one e-mail address or phone number', 'correct it; queue it again'),
  'OPS-30': fault(
    'alarm',
    'secret in the database is not the one stored in its row',
    'somebody may have written to the database: see "Keys" in operating.md',
  ),
  'OPS-28': fault(
    'error',
    'a page failed',
    'report it with this line of the log; what was stored is untouched',
  ),
  'OPS-29': fault(
    'warn',
    'the last operator is not removed',
    'add another first, or say --last: the next start then prints a set-up link',
  ),
  'OPS-31': fault(
    'warn',
    'database role has other rights than it should',
    'give Ticklock two roles: see "Two roles" in operating.md',
  ),
  'OPS-32': fault(
    'warn',
    'document not drawn: too many at once, or its thread ended',
    'try again in a moment; if it happens again for one bill, report it with the detail',
  ),
  'OPS-33': fault(
    'warn',
    'environment variable that no setting has',
    'correct its name; until then it has no effect',
  ),
  'OPS-41': fault(
    'warn',
    'still in use, or billed already',
    'end it instead of deleting it; choose a time that no bill covers',
  ),
  'OPS-34': fault(
    'info',
    'somebody else changed it meanwhile',
    'compare the two, correct yours where it must be, and save again',
  ),
  'OPS-43': fault(
    'error',
    'device is not connected',
    'look at its power and its network; its readings wait there',
  ),
  'OPS-35': fault(
    'warn',
    'test mail was not accepted',
    "correct what the server's answer names, then test again; nothing was saved or sent",
  ),
  'OPS-36': fault(
    'warn',
    'test SMS was not accepted',
    "correct what the gateway's answer names, then test again; nothing was saved or sent",
  ),
  'OPS-37': fault(
    'warn',
    'setting is fixed by the environment',
    'change the named variable where Ticklock is started, or take it away there',
  ),
  'OPS-38': fault('warn', 'file has another encoding', 'save it as UTF-8, or choose its encoding'),
  'OPS-39': fault('warn', 'file cannot be imported', 'correct what the detail names'),
  'OPS-40': fault(
    'warn',
    'import cannot be undone',
    'end or take back what the detail names first',
  ),
} as const satisfies Record<string, Fault>

export type FaultCode = keyof typeof FAULTS

export const FAULT_CODES = Object.keys(FAULTS) as readonly FaultCode[]

export const isFaultCode = (text: string): text is FaultCode => Object.hasOwn(FAULTS, text)

/** A fault as one line a person can act on: code, meaning, what exactly, what to do. */
export function faultLine(code: FaultCode, detail: string): string {
  const { is, then } = FAULTS[code]
  return `${code} ${is}${detail === '' ? '' : `: ${detail}`}. Remedy: ${then}.`
}
