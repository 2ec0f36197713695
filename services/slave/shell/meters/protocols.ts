// The meter protocols there are. A new one is a folder beside this file and a name in this list.

import { dsmr } from './dsmr/descriptor.ts'
import type { MeterProtocol } from './protocol.ts'
import { sem } from './sem/descriptor.ts'

export const PROTOCOLS: readonly MeterProtocol[] = [sem, dsmr]
