// The part of the table of faults that is about readings, bills and the notices of them (BIL).

import { type Fault, fault } from './link-faults.ts'

export const BILL_FAULTS = {
  'BIL-01': fault('warn', 'register went backwards', 'inspect the meter; the reading is marked'),
  'BIL-02': fault('info', 'register rolled over', 'nothing; the difference counts through zero'),
  'BIL-03': fault('warn', 'consumption far above the usual', 'confirm the reading before the bill'),
  'BIL-04': fault(
    'warn',
    'reading at the period boundary missing',
    "wait for the back-fill, or enter what it showed on the meter's page (/meters)",
  ),
  'BIL-05': fault(
    'warn',
    'meter unknown',
    'add it, or adopt it to a service point, on the page Meters (/meters)',
  ),
  'BIL-06': fault(
    'warn',
    'authentic frame whose content does not parse',
    'upgrade the master; the bytes are kept',
  ),
  'BIL-07': fault(
    'error',
    'no one tariff version is valid for the whole period',
    'see its detail; publish the version that was in force on the first day (/tariffs)',
  ),
  'BIL-08': fault(
    'warn',
    'service point without a contract',
    'enter who is supplied there from which day on (/accounts)',
  ),
  'BIL-09': fault(
    'error',
    'mail server refuses or cannot be reached',
    'check SMTP settings; the notice waits',
  ),
  'BIL-10': fault(
    'error',
    'SMS gateway refuses or cannot be reached',
    'check gateway settings; the notice waits',
  ),
  'BIL-11': fault(
    'error',
    'notice given up after the last attempt',
    'correct the address, then queue it again',
  ),
  'BIL-12': fault(
    'warn',
    'reading carries an implausible time',
    'check the meter clock; it is marked, or an exception if it is ahead',
  ),
  'BIL-13': fault(
    'warn',
    'another value came for the same meter, register and time',
    'compare both; set aside what a stolen device sent (ticklock set-aside)',
  ),
  'BIL-14': fault(
    'error',
    'meter that nobody adopted: no bill is made from it',
    'see which device reads it, then adopt it: Meters, state not adopted',
  ),
  'BIL-15': fault(
    'alarm',
    'device brings more meters or kinds of register than it may',
    'register its meters if they are right; else revoke the device',
  ),
  'BIL-16': fault(
    'error',
    'a row that cannot be worked on was left out',
    'report it with the detail; everything else went on',
  ),
  'BIL-17': fault(
    'error',
    'mail server or gateway refuses us, not the customer',
    'see the log: sender, login, region or account; notices wait until it is corrected',
  ),
  'BIL-18': fault(
    'warn',
    'a bill has letters that no font here draws: they are boxes',
    'write the name or address in another script',
  ),
  'BIL-32': fault(
    'warn',
    'a reading entered by hand contradicts another one of its register',
    'read the display again; if the meter was exchanged, enter that first',
  ),
  'BIL-33': fault(
    'info',
    'a reading entered by hand waits for a decision',
    'approve or refuse it on the page Manual readings',
  ),
  'BIL-19': fault(
    'error',
    'utility has no name: no bill is issued',
    'enter it on the page Settings, or set TICKLOCK_UTILITY',
  ),
  'BIL-20': fault(
    'error',
    'tariff document refused',
    'correct what is named at its line and column, then publish it again',
  ),
  'BIL-21': fault(
    'error',
    "meter's clock is beyond its limit: its load profile bounds no bill",
    "set the clock, and enter what it showed on the meter's page (/meters), or agree on estimates",
  ),
  'BIL-22': fault(
    'error',
    'contract without a tariff',
    "choose its tariff on the contract's page (/accounts)",
  ),
  'BIL-23': fault(
    'error',
    'no meter for a part of the period',
    'enter which meter was there, or from when on it is billed (/service-points)',
  ),
  'BIL-24': fault(
    'warn',
    'meter of a medium that no tariff prices yet',
    'mend its medium if it is wrong (/meters); else exempt the period on the board (/board)',
  ),
  'BIL-25': fault(
    'error',
    'a meter shows less than was estimated and billed before',
    'check both readings (/meters); settle it by hand, then exempt the period (/board)',
  ),
  'BIL-26': fault(
    'warn',
    'a contract would lose days that are billed already',
    'end it on the last day that is billed, or later',
  ),
  'BIL-27': fault(
    'error',
    'the time zone of a service point is unknown here',
    'choose another zone for the service point',
  ),
  'BIL-28': fault(
    'warn',
    'a bill comes to another sum than the one that was shown',
    'look at the new sum, then issue it',
  ),
  'BIL-29': fault(
    'info',
    "meter's clock is not compared yet: its load profile bounds no bill",
    'nothing: its slave compares it within minutes; after a day the bill is made without',
  ),
  'BIL-30': fault(
    'warn',
    'two contracts of one service point at one time',
    'end the first one, or begin the second one after it',
  ),
  'BIL-31': fault(
    'warn',
    'a meter at two places at one time',
    'remove it at the first place, or install it at the second one after that',
  ),
  'BIL-34': fault(
    'error',
    'tariff cannot be published so',
    'choose another first day, or compare with what somebody else published meanwhile',
  ),
  'BIL-36': fault('warn', 'bills are ready and nobody issued them', 'issue them on the board'),
} as const satisfies Record<string, Fault>
