// What is said of the utility itself: the tables that only this domain writes.

import type { Generated } from 'kysely'
import type { Defaulted } from '../../store/schema.ts'

declare module '../../store/schema.ts' {
  interface Database {
    utility: {
      id: Generated<number>
      name: string | null
      address: Generated<string>
      contact: Generated<string>
      payment: Generated<string[]>
      legal: Generated<string>
      currency: string | null
      zone: string | null
      billed_from: string | null
      issuing: Generated<'by hand' | 'automatic'>
      public_url: string | null
      logo: Buffer | null
      skipped: Generated<string[]>
      version: Generated<number>
    }
    utility_logos: {
      hash: Buffer
      type: 'image/png' | 'image/jpeg'
      width: number
      height: number
      content: Buffer
      added_at: Defaulted<Date>
    }
    mail_service: {
      id: Generated<number>
      host: string
      port: number
      tls: 'none' | 'starttls' | 'implicit'
      login: string
      sender: string
      secret: Buffer | null
      version: Generated<number>
    }
    sms_service: {
      id: Generated<number>
      kind: 'twilio' | 'kannel'
      base: string
      login: string
      sender: string
      secret: Buffer | null
      version: Generated<number>
    }
  }
}
