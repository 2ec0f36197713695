// What can be imported: the columns of each kind of file. One flat file holds all of it, as people
// have it in a spreadsheet; the other kinds are parts of it, and all take the same way.

/** A column's place in Ticklock. The part before the dot is its group. */
export type Target =
  | 'customer.number'
  | 'customer.name'
  | 'customer.address'
  | 'customer.email'
  | 'customer.phone'
  | 'customer.language'
  | 'point.code'
  | 'point.address'
  | 'point.zone'
  | 'meter.number'
  | 'meter.make'
  | 'meter.medium'
  | 'meter.digits'
  | 'meter.multiplier'
  | 'meter.billedBy'
  | 'installation.from'
  | 'installation.to'
  | 'installation.mainMeter'
  | 'contract.number'
  | 'contract.from'
  | 'contract.to'
  | 'contract.lastDay'
  | 'contract.billedFrom'
  | 'contract.tariff'
  | 'contract.tariffFrom'
  | 'contract.missing'
  | 'opening.value'
  | 'opening.register'
  | 'opening.unit'
  | 'opening.t1'
  | 'opening.t2'
  | 'reading.at'
  | 'reading.register'
  | 'reading.value'
  | 'reading.unit'
  | 'reading.kind'
  | 'reading.photo'
  | 'reading.note'

const CUSTOMER = [
  'customer.number',
  'customer.name',
  'customer.address',
  'customer.email',
  'customer.phone',
  'customer.language',
] as const
const POINT = ['point.code', 'point.address', 'point.zone'] as const
const METER = [
  'meter.number',
  'meter.make',
  'meter.medium',
  'meter.digits',
  'meter.multiplier',
  'meter.billedBy',
] as const
const INSTALLATION = [
  'installation.from',
  'installation.to',
  'installation.mainMeter',
  'opening.value',
  'opening.register',
  'opening.unit',
  'opening.t1',
  'opening.t2',
] as const
const CONTRACT = [
  'contract.number',
  'contract.from',
  'contract.to',
  'contract.lastDay',
  'contract.billedFrom',
  'contract.tariff',
  'contract.tariffFrom',
  'contract.missing',
] as const

export const KINDS = [
  'flat',
  'customers',
  'service-points',
  'meters',
  'installations',
  'contracts',
  'readings',
] as const
export type Kind = (typeof KINDS)[number]
export const isKind = (text: string): text is Kind => KINDS.some((kind) => kind === text)

export interface KindPlan {
  readonly title: string
  readonly about: string
  readonly columns: readonly Target[]
  /** Columns without which no line means anything. */
  readonly needs: readonly Target[]
  /** What a line may bring into being; everything else that it names must exist. */
  readonly creates: readonly ('customer' | 'point' | 'meter')[]
}

export const KIND_PLANS: Readonly<Record<Kind, KindPlan>> = {
  flat: {
    title: 'Everything in one file',
    about:
      'A line is a customer, a service point, a meter with its opening reading, and a contract.',
    columns: [...CUSTOMER, ...POINT, ...METER, ...INSTALLATION, ...CONTRACT],
    needs: ['point.code'],
    creates: ['customer', 'point', 'meter'],
  },
  customers: {
    title: 'Customers',
    about: 'A line is a customer.',
    columns: CUSTOMER,
    needs: ['customer.number'],
    creates: ['customer'],
  },
  'service-points': {
    title: 'Service points',
    about: 'A line is a place that is supplied.',
    columns: POINT,
    needs: ['point.code'],
    creates: ['point'],
  },
  meters: {
    title: 'Meters',
    about: 'A line is a meter.',
    columns: METER,
    needs: ['meter.number'],
    creates: ['meter'],
  },
  installations: {
    title: 'Installations with opening readings',
    about: 'A line is a meter at a service point, from a day on, with what its registers showed.',
    columns: ['meter.number', 'point.code', ...INSTALLATION],
    needs: ['meter.number', 'point.code'],
    creates: [],
  },
  contracts: {
    title: 'Contracts',
    about: 'A line is the supply of one service point to one customer.',
    columns: [...CONTRACT, 'customer.number', 'point.code'],
    needs: ['customer.number', 'point.code'],
    creates: [],
  },
  readings: {
    title: 'Manual readings',
    about: 'A line is one register as somebody read it; importing it approves it.',
    columns: [
      'meter.number',
      'reading.at',
      'reading.register',
      'reading.value',
      'reading.unit',
      'reading.kind',
      'reading.photo',
      'reading.note',
    ],
    needs: ['meter.number', 'reading.at', 'reading.value'],
    creates: [],
  },
}
