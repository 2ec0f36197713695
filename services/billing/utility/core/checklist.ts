// What is still to be done from an empty database to the first bill. Each step's state is computed
// from what is stored, never ticked by hand; only "not needed here" is somebody's word.

import type { Profile } from './profile.ts'

/** What the database and the environment hold, as far as the steps ask. */
export interface ChecklistFacts {
  readonly profile: Profile
  readonly mail: boolean
  readonly sms: boolean
  readonly skipped: readonly string[]
  /** Tariff versions that are published. */
  readonly tariffs: number
  readonly slaves: {
    /** Enrolled and not revoked. */
    readonly enrolled: number
    /** With an open token that nobody has used. */
    readonly awaited: number
    /** The newest of those. */
    readonly awaitedName: string | null
    readonly awaitedId: string | null
  }
  readonly meters: { readonly seen: number; readonly unassigned: number; readonly placed: number }
  readonly customers: { readonly entered: number; readonly contracts: number }
  /** Periods of contracts that are over. */
  readonly periods: { readonly ready: number; readonly billed: number; readonly held: number }
}

/** Counts stop here: "more than" is as good. */
export const COUNTED_MAX = 1_000

export const STEPS = [
  'profile',
  'address',
  'mail',
  'sms',
  'tariff',
  'slave',
  'meters',
  'customers',
  'bills',
] as const
export type StepName = (typeof STEPS)[number]
export const isStep = (text: string): text is StepName => STEPS.some((name) => name === text)
/** Steps that some utilities do without. */
const OPTIONAL: readonly StepName[] = ['address', 'mail', 'sms', 'slave']

export interface Step {
  readonly name: StepName
  readonly title: string
  /** `waiting`: something comes by itself. */
  readonly state: 'done' | 'open' | 'waiting' | 'skipped'
  /** What is there, or what is missing. */
  readonly words: string
  readonly href: string
  readonly action: string
  readonly optional: boolean
}

export function checklistOf(facts: ChecklistFacts): readonly Step[] {
  const made: readonly Omit<Step, 'optional'>[] = [
    profileStep(facts),
    addressStep(facts),
    mailStep(facts),
    smsStep(facts),
    tariffStep(facts),
    slaveStep(facts),
    meterStep(facts),
    customerStep(facts),
    billStep(facts),
  ]
  return made.map((step) => {
    const optional = OPTIONAL.includes(step.name)
    const skipped = optional && step.state !== 'done' && facts.skipped.includes(step.name)
    return {
      ...step,
      optional,
      ...(skipped ? { state: 'skipped' as const, words: NOT_NEEDED } : {}),
    }
  })
}

const NOT_NEEDED = 'Not needed here, by your word.'

/** Steps that are settled, and all of them. */
export const progressOf = (
  steps: readonly Step[],
): { readonly done: number; readonly all: number } => ({
  done: steps.filter(({ state }) => state === 'done' || state === 'skipped').length,
  all: steps.length,
})

type Made = Omit<Step, 'optional'>

/** `3 meters`, `1 meter`, `more than 1,000 meters`. */
const many = (count: number, one: string, several = `${one}s`): string =>
  count > COUNTED_MAX
    ? `more than ${COUNTED_MAX.toLocaleString('en')} ${several}`
    : `${count} ${count === 1 ? one : several}`

function profileStep({ profile }: ChecklistFacts): Made {
  const missing = [
    ...(profile.name === null ? ['its name (without it no bill is issued)'] : []),
    ...(profile.address === '' ? ['its address'] : []),
    ...(profile.contact === '' ? ['whom to ask'] : []),
    ...(profile.payment.length === 0 ? ['how to pay'] : []),
    ...(profile.currency === null ? ['the currency'] : []),
    ...(profile.zone === null ? ['the time zone'] : []),
  ]
  return {
    name: 'profile',
    title: 'Say who you are',
    state: missing.length === 0 ? 'done' : 'open',
    words:
      missing.length === 0
        ? `Bills will come from ${profile.name ?? ''}.`
        : `Missing on bills: ${missing.join(', ')}.`,
    href: '/settings',
    action: 'Utility',
  }
}

const addressStep = ({ profile: { publicUrl } }: ChecklistFacts): Made => ({
  name: 'address',
  title: 'Say where customers reach these pages',
  state: publicUrl === null ? 'open' : 'done',
  words:
    publicUrl === null
      ? 'Links in mail and SMS begin with it; until it is known, both wait.'
      : `Links will begin with ${publicUrl}.`,
  href: '/settings#f-publicUrl',
  action: 'Public address',
})

function mailStep({ mail, profile }: ChecklistFacts): Made {
  const waits = mail && profile.publicUrl === null
  return {
    name: 'mail',
    title: 'Let bills leave by mail',
    state: mail ? (waits ? 'waiting' : 'done') : 'open',
    words: mail
      ? waits
        ? 'A mail server is set; mail waits for the public address.'
        : 'A mail server is set.'
      : 'No mail server is set: mailed bills wait.',
    href: '/settings/mail',
    action: 'Mail server',
  }
}

function smsStep({ sms, profile }: ChecklistFacts): Made {
  const waits = sms && profile.publicUrl === null
  return {
    name: 'sms',
    title: 'Let bills be told by SMS',
    state: sms ? (waits ? 'waiting' : 'done') : 'open',
    words: sms
      ? waits
        ? 'A gateway is set; SMS wait for the public address.'
        : 'A gateway is set.'
      : 'No gateway is set: SMS wait.',
    href: '/settings/sms',
    action: 'SMS gateway',
  }
}

const tariffStep = ({ tariffs }: ChecklistFacts): Made => ({
  name: 'tariff',
  title: 'Publish the first tariff',
  state: tariffs > 0 ? 'done' : 'open',
  words:
    tariffs > 0
      ? `${many(tariffs, 'version is', 'versions are')} published.`
      : 'No tariff is published: nothing has a price yet.',
  href: '/tariffs',
  action: 'Tariffs',
})

function slaveStep({
  slaves: { enrolled, awaited, awaitedName, awaitedId },
}: ChecklistFacts): Made {
  const step = { name: 'slave', title: 'Connect the first slave' } as const
  if (enrolled > 0) {
    const words = `${many(enrolled, 'slave has', 'slaves have')} arrived.`
    return { ...step, state: 'done', words, href: '/fleet', action: 'Devices' }
  }
  if (awaited > 0) {
    const words = `Waiting for ${awaitedName ?? 'a slave'}: its token is made and not used yet.`
    const href = awaitedId === null ? '/fleet' : `/fleet/${awaitedId}/token`
    return { ...step, state: 'waiting', words, href, action: 'See it arrive' }
  }
  const words = 'No slave yet. It gets a one-time token, and calls by itself.'
  return { ...step, state: 'open', words, href: '/fleet/new', action: 'New token' }
}

function meterStep({ meters: { seen, unassigned, placed } }: ChecklistFacts): Made {
  const step = { name: 'meters', title: 'Give each meter its place' } as const
  const unplaced = { href: '/meters?state=unassigned', action: 'Meters without a place' }
  if (unassigned > 0) {
    const none = `${many(unassigned, 'meter has', 'meters have')} no place: billed to nobody.`
    const words = `${none} An import of flats places meters too.`
    return { ...step, state: 'open', words, ...unplaced }
  }
  if (placed > 0) {
    const words = `${many(placed, 'meter has', 'meters have')} a place.`
    return { ...step, state: 'done', words, href: '/meters', action: 'Meters' }
  }
  const words =
    seen === 0 ? 'No meter was read yet: they appear by themselves.' : 'No meter has a place.'
  return {
    ...step,
    state: seen === 0 ? 'waiting' : 'open',
    words,
    href: '/meters',
    action: 'Meters',
  }
}

function customerStep({ customers: { entered, contracts } }: ChecklistFacts): Made {
  const step = { name: 'customers', title: 'Bring in customers and contracts' } as const
  const link = { href: '/imports', action: 'Import' }
  if (contracts > 0) {
    const words = `${many(contracts, 'contract')} with ${many(entered, 'customer')}.`
    return { ...step, state: 'done', words, href: '/accounts', action: 'Accounts' }
  }
  if (entered === 0) return { ...step, state: 'open', words: 'No customer yet.', ...link }
  const words = `${many(entered, 'customer')}, and no contract: nobody is billed.`
  return { ...step, state: 'open', words, ...link }
}

function billStep({ periods: { ready, billed, held }, customers, profile }: ChecklistFacts): Made {
  const step = {
    name: 'bills',
    title: 'Look at the first bills',
    href: '/board',
    action: 'Board',
  } as const
  const by = profile.issuing === 'automatic' ? 'They leave by themselves.' : 'Issue them there.'
  if (billed > 0)
    return { ...step, state: 'done', words: `${many(billed, 'bill is', 'bills are')} issued.` }
  if (ready > 0)
    return { ...step, state: 'open', words: `${many(ready, 'bill is', 'bills are')} ready. ${by}` }
  if (held > 0) {
    return {
      ...step,
      state: 'open',
      words: `${many(held, 'period is', 'periods are')} held: the board says by what.`,
    }
  }
  const words =
    customers.contracts === 0
      ? 'They come once there is a contract and its first month is over.'
      : 'The first month is not over yet.'
  return { ...step, state: 'waiting', words }
}
