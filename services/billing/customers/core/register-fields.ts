// Which registers a form asks for at a meter, and in which unit people read them.

import { UNIT } from '../../../../shared/meter/reading.ts'
import { registerUnit, registerValue } from '../../readings/core/typed-register.ts'

export interface RegisterField {
  readonly obis: string
  /** As the display shows it: kWh, m3. */
  readonly unit: string
}

/** What a meter of a medium counts, until its own registers are known. */
const USUAL: Readonly<Record<string, readonly string[]>> = {
  electricity: ['1-0:1.8.0*255', '1-0:1.8.1*255', '1-0:1.8.2*255'],
  water: ['8-0:1.0.0*255'],
  heat: ['6-0:1.0.0*255'],
  gas: ['7-0:3.0.0*255'],
}

function unitOf(obis: string): string {
  if (/^[78]-/.test(obis)) return 'm3'
  if (/:[34]\.8\./.test(obis)) return 'kvarh'
  return /:9\.8\./.test(obis) ? 'kVAh' : 'kWh'
}

/** The registers of a meter in the order of its display. */
export function registerFields(meter: {
  readonly medium: string
  readonly registers: readonly string[]
}): readonly RegisterField[] {
  const codes = meter.registers.length > 0 ? meter.registers : (USUAL[meter.medium] ?? [])
  return codes.map((obis) => ({ obis, unit: unitOf(obis) }))
}

interface TypedRegister {
  readonly obis: string
  readonly unit: number
  readonly value: number
  readonly exponent: number
}

/** The registers that were typed into the fields `PREFIX_OBIS`; what is wrong by field. */
export function typedRegisters(
  prefix: string,
  fields: readonly RegisterField[],
  values: Readonly<Record<string, string>>,
): {
  readonly registers: readonly TypedRegister[]
  readonly errors: Readonly<Record<string, string>>
} {
  const registers: TypedRegister[] = []
  const errors: Record<string, string> = {}
  for (const { obis, unit: name } of fields) {
    const text = (values[`${prefix}_${obis}`] ?? '').trim()
    if (text === '') continue
    const { unit, power } = registerUnit(name) ?? { unit: UNIT.Wh, power: 3 }
    const read = registerValue(text, power)
    if (read === null) {
      errors[`${prefix}_${obis}`] =
        'is not what a register shows: write up to 15 digits, then a decimal point and up to nine more'
    } else registers.push({ obis, unit, ...read })
  }
  return { registers, errors }
}
