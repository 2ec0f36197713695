// Every sub-command of `ticklock`, in the order in which help lists them.

import { adopt } from './adopt.ts'
import { attack } from './attack.ts'
import { bills } from './bills.ts'
import { clock } from './clock.ts'
import { command } from './command.ts'
import { customer } from './customer.ts'
import { demo } from './demo.ts'
import { device } from './device.ts'
import { doctor } from './doctor.ts'
import { enrol } from './enrol.ts'
import { help } from './help.ts'
import { importFile } from './import.ts'
import { letGo } from './let-go.ts'
import { operator } from './operator.ts'
import { revoke } from './revoke.ts'
import { rotateKey } from './rotate-key.ts'
import { rotateWrap } from './rotate-wrap.ts'
import { setAside } from './set-aside.ts'
import { slave } from './slave.ts'
import { tariff } from './tariff.ts'
import type { SubCommand } from './sub-command.ts'
import { up } from './up.ts'

export const COMMANDS: readonly SubCommand[] = [
  demo,
  up,
  slave,
  device,
  enrol,
  revoke,
  letGo,
  setAside,
  adopt,
  rotateKey,
  rotateWrap,
  command,
  clock,
  tariff,
  bills,
  operator,
  customer,
  importFile,
  attack,
  doctor,
  help,
]
