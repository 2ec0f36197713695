// Where each fault is mended: the page that shows it with what can be done there, or the command
// that does it. FAULTS says what to do in words; this leads there. Every code has a line, and a
// test opens every page and asks help about every command.

import { type FaultCode, isFaultCode } from '../../../shared/faults.ts'

export type Remedy =
  /** A page of the operators, and what the link says. */
  | { readonly page: string; readonly words: string }
  /** A sub-command of `ticklock` with what follows it, as help shows it. */
  | { readonly command: string }

const DEVICES: Remedy = { page: '/fleet', words: 'Devices' }
const NEW_DEVICE: Remedy = { page: '/fleet/new', words: 'New token' }
const REFUSED: Remedy = { page: '/refused', words: 'What was refused' }
const CLOCK: Remedy = { page: '/clock', words: 'Clock' }
const METERS: Remedy = { page: '/meters', words: 'Meters' }
const UNASSIGNED: Remedy = { page: '/meters?state=unassigned', words: 'Meters without a place' }
const MANUAL: Remedy = { page: '/readings/manual', words: 'Manual readings' }
const BOARD: Remedy = { page: '/board', words: 'Bill-run board' }
const BILLS: Remedy = { page: '/bills', words: 'Bills' }
const ACCOUNTS: Remedy = { page: '/accounts', words: 'Accounts' }
const CUSTOMERS: Remedy = { page: '/customers', words: 'Customers' }
const IMPORTS: Remedy = { page: '/imports', words: 'Imports' }
const TARIFFS: Remedy = { page: '/tariffs', words: 'Tariffs' }
const NOTICES: Remedy = { page: '/notices?state=failed', words: 'Notices given up' }
const QUEUED: Remedy = { page: '/notices?state=queued', words: 'Notices that wait' }
const MAIL: Remedy = { page: '/settings/mail', words: 'Mail' }
const SMS: Remedy = { page: '/settings/sms', words: 'SMS' }
const ACCESS: Remedy = { page: '/access', words: 'Access' }
const DOCTOR: Remedy = { command: 'doctor' }
const SET_ASIDE: Remedy = { command: 'set-aside' }
const CLOSED_EPOCHS: Remedy = { command: 'let-go' }
const REVOKE: Remedy = { command: 'revoke' }
const KEYS: Remedy = { command: 'rotate-wrap' }
const LOGIN: Remedy = { page: '/attention', words: 'What needs attention' }

export const REMEDIES: Readonly<Record<FaultCode, Remedy>> = {
  'WIR-01': DEVICES,
  'WIR-02': REFUSED,
  'WIR-03': REFUSED,
  'WIR-04': REFUSED,
  'WIR-05': REFUSED,
  'WIR-06': DEVICES,
  'WIR-07': DEVICES,
  'WIR-08': DEVICES,
  'WIR-09': REFUSED,
  'WIR-10': REFUSED,
  'SEC-01': NEW_DEVICE,
  'SEC-02': DEVICES,
  'SEC-03': REFUSED,
  'SEC-04': DEVICES,
  'SEC-05': REFUSED,
  'SEC-06': REFUSED,
  'SEC-07': NEW_DEVICE,
  'SEC-08': REVOKE,
  'SEC-09': REFUSED,
  'SEC-10': NEW_DEVICE,
  'SEC-11': REFUSED,
  'SEC-12': REFUSED,
  'SEC-13': METERS,
  'SEC-14': NEW_DEVICE,
  'SEC-15': DEVICES,
  'SEC-16': REVOKE,
  'SEC-17': { command: 'rotate-key' },
  'SEC-18': CLOSED_EPOCHS,
  'SEC-19': CLOSED_EPOCHS,
  'SEC-FORK': REVOKE,
  'CLK-01': DEVICES,
  'CLK-02': CLOCK,
  'CLK-03': DEVICES,
  'CLK-04': REFUSED,
  'CLK-05': DEVICES,
  'CLK-06': DEVICES,
  'CLK-07': CLOCK,
  'CLK-08': CLOCK,
  'CLK-09': DEVICES,
  'CLK-10': CLOCK,
  'CLK-11': CLOCK,
  'CLK-12': CLOCK,
  'CLK-13': CLOCK,
  'CLK-14': CLOCK,
  'MTR-01': DEVICES,
  'MTR-02': DEVICES,
  'MTR-03': DEVICES,
  'MTR-04': DEVICES,
  'MTR-05': DEVICES,
  'MTR-06': DEVICES,
  'MTR-07': METERS,
  'MTR-08': DEVICES,
  'MTR-09': DEVICES,
  'MTR-10': { command: 'command' },
  'MTR-11': METERS,
  'MTR-12': METERS,
  'MTR-13': DEVICES,
  'MTR-14': DEVICES,
  'MTR-15': DEVICES,
  'BIL-01': METERS,
  'BIL-02': METERS,
  'BIL-03': METERS,
  'BIL-04': MANUAL,
  'BIL-05': UNASSIGNED,
  'BIL-06': DEVICES,
  'BIL-07': TARIFFS,
  'BIL-08': ACCOUNTS,
  'BIL-09': MAIL,
  'BIL-10': SMS,
  'BIL-11': NOTICES,
  'BIL-12': METERS,
  'BIL-13': SET_ASIDE,
  'BIL-14': { page: '/meters?state=not-adopted', words: 'Meters that nobody adopted' },
  'BIL-15': UNASSIGNED,
  'BIL-16': DOCTOR,
  'BIL-17': QUEUED,
  'BIL-18': CUSTOMERS,
  'BIL-20': TARIFFS,
  'BIL-34': TARIFFS,
  'BIL-32': MANUAL,
  'BIL-33': MANUAL,
  'BIL-19': { page: '/settings', words: 'Utility' },
  'BIL-21': MANUAL,
  'BIL-22': ACCOUNTS,
  'BIL-23': { page: '/service-points', words: 'Service points' },
  'BIL-24': METERS,
  'BIL-25': METERS,
  'BIL-26': ACCOUNTS,
  'BIL-27': { page: '/service-points', words: 'Service points' },
  'BIL-28': BOARD,
  'BIL-29': METERS,
  'BIL-30': ACCOUNTS,
  'BIL-31': METERS,
  'BIL-36': BOARD,
  'OPS-01': DOCTOR,
  'OPS-02': DOCTOR,
  'OPS-03': DOCTOR,
  'OPS-04': DOCTOR,
  'OPS-05': DOCTOR,
  'OPS-06': DOCTOR,
  'OPS-07': DOCTOR,
  'OPS-08': DOCTOR,
  'OPS-09': DOCTOR,
  'OPS-10': DOCTOR,
  'OPS-11': DOCTOR,
  'OPS-12': { command: 'help' },
  'OPS-13': DOCTOR,
  'OPS-14': DEVICES,
  'OPS-15': DEVICES,
  'OPS-16': DEVICES,
  'OPS-17': DEVICES,
  'OPS-18': DEVICES,
  'OPS-19': DEVICES,
  'OPS-20': ACCESS,
  'OPS-21': ACCOUNTS,
  'OPS-22': LOGIN,
  'OPS-23': LOGIN,
  'OPS-24': KEYS,
  'OPS-25': DEVICES,
  'OPS-26': CLOCK,
  'OPS-27': CUSTOMERS,
  'OPS-28': DOCTOR,
  'OPS-29': { command: 'operator' },
  'OPS-30': KEYS,
  'OPS-31': DOCTOR,
  'OPS-32': BILLS,
  'OPS-33': DOCTOR,
  'OPS-34': { page: '/attention', words: 'What needs attention' },
  'OPS-35': MAIL,
  'OPS-36': SMS,
  'OPS-37': { page: '/settings', words: 'Utility' },
  'OPS-38': IMPORTS,
  'OPS-39': IMPORTS,
  'OPS-40': IMPORTS,
  'OPS-41': ACCOUNTS,
  'OPS-43': DEVICES,
}

/** Null for the code of another version. */
export const remedyOf = (code: string): Remedy | null => (isFaultCode(code) ? REMEDIES[code] : null)
