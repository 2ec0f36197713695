// An example tariff for the demo: the shape of an Indian residential schedule, with rates of our
// own. It is no real price list.

export const DEMO_TARIFF = {
  format: 'ticklock-tariff/1',
  code: 'DEMO-RES',
  name: 'Residential, single phase (example)',
  currency: 'INR',
  minorDigits: 2,
  rounding: 'half-away',
  slabProration: 'none',
  dueDays: 15,
  source: 'Example rates made up for the Ticklock demo; not an order of any regulator',
  charges: [
    {
      kind: 'slabs',
      code: 'energy',
      label: 'Energy charge',
      slabs: [
        { upTo: '100', rate: '3.50' },
        { upTo: '300', rate: '7.25' },
        { upTo: '500', rate: '10.20' },
        { rate: '11.60' },
      ],
    },
    { kind: 'slabs', code: 'wheeling', label: 'Wheeling charge', slabs: [{ rate: '1.40' }] },
    { kind: 'fixed', code: 'fixed', label: 'Fixed charge', amount: '110' },
    {
      kind: 'tax',
      code: 'duty',
      label: 'Electricity duty',
      percent: '16',
      on: ['energy', 'wheeling', 'fixed'],
    },
  ],
} as const

/** Who issues the demo's bills. */
export const DEMO_UTILITY = {
  name: 'Lakeside Power Cooperative (demo)',
  address: '12 Station Road, Lakeside 411001',
  contact: 'Call 1912 or write to help@lakeside.example',
  payment: [
    'By UPI to lakeside@upi.example, with the bill number as the note.',
    'In cash or by card at 12 Station Road, Monday to Saturday, 9 to 17.',
  ],
} as const
