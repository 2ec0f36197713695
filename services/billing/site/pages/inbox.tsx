// The demo's own inbox: what would have been mailed or texted, had this been a real installation.

import type { UnixMs } from '../../../../shared/units.ts'
import type { PageContext } from '../../kit/context.ts'
import { Layout } from '../../kit/layout.tsx'
import { Ago, Headline } from '../../kit/parts.tsx'
import type { InboxMessage } from '../core/views.ts'

export interface InboxPageProps {
  readonly context: PageContext
  readonly messages: readonly InboxMessage[]
  /** Only links to this server become clickable. */
  readonly baseUrl: string
  readonly now: UnixMs
}

export function InboxPage({ context, messages, baseUrl, now }: InboxPageProps) {
  return (
    <Layout context={context} title="Demo inbox" width="reading">
      <Headline title="Demo inbox" />
      <p class="notice notice-warn">Demo inbox: nothing left this machine.</p>
      {messages.length === 0 && <p class="card">No messages yet. Bills bring the first ones.</p>}
      {messages.map((message) => (
        <article key={message.id} class="card">
          <div class="headline">
            <div>
              <h2>{message.subject === '' ? 'Text message' : message.subject}</h2>
              <p class="soft">
                {message.channel === 'sms' ? 'SMS' : 'E-mail'} to {message.to}
              </p>
            </div>
            <p class="soft">
              <Ago at={message.at} now={now} />
            </p>
          </div>
          <pre class="letter">
            <Linked text={message.text} baseUrl={baseUrl} />
          </pre>
        </article>
      ))}
    </Layout>
  )
}

function Linked({ text, baseUrl }: { readonly text: string; readonly baseUrl: string }) {
  const parts = text.split(/(https?:\/\/[^\s<>"]+)/)
  return (
    <>
      {parts.map((part, index) => (
        <Piece key={index} text={part} ours={part.startsWith(`${baseUrl}/`)} />
      ))}
    </>
  )
}

const Piece = ({ text, ours }: { readonly text: string; readonly ours: boolean }) =>
  ours ? <a href={text}>{text}</a> : <>{text}</>
