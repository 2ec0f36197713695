// What the settings' pages need from the rest.

import type { SecretBox } from '../../../../shared/handover/roster.ts'
import type { Fields } from '../../../../shared/node/log.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import type { KeptSecrets } from '../../access/shell/kept-secrets.ts'
import type { Visit } from '../../kit/door.ts'
import type { Author } from '../../store/changes.ts'
import type { UtilityEnvironment } from '../core/environment.ts'
import type { MailService, SmsService } from '../core/services.ts'
import type { TestMessage, TestResult } from '../core/trial.ts'
import type { UtilityStore } from '../db/store.ts'

/** A service with a secret that the test overwrites. */
export interface Tried<Service> {
  readonly service: Service
  readonly secret: Uint8Array | null
}

export interface UtilityDeps {
  readonly utility: UtilityStore
  readonly utilityEnvironment: UtilityEnvironment
  readonly secrets: SecretBox
  /** Passwords between a test and its saving. */
  readonly kept: KeptSecrets
  readonly tryMail: (tried: Tried<MailService>, message: TestMessage) => Promise<TestResult>
  readonly trySms: (tried: Tried<SmsService>, message: TestMessage) => Promise<TestResult>
  /** One line of the log. */
  readonly say: (line: string, fields: Fields) => void
  readonly now: () => UnixMs
}

/** Who changes it, and where it was entered. */
export const authorOf = ({ viewer }: Visit, place: string): Author => ({
  who: viewer.name,
  why: `entered on the page ${place}`,
  importId: null,
})
