// A new slave: its name, its token, what to do with both, and whether it has arrived.

import type { UnixMs } from '../../../../shared/units.ts'
import type { PageContext } from '../../kit/context.ts'
import { Form, TextField } from '../../kit/fields.tsx'
import type { FormState } from '../../kit/form.ts'
import { countText, utcSecondText } from '../../kit/format.ts'
import { FormToken, Layout } from '../../kit/layout.tsx'
import { Ago, Badge, Facts, Headline, Section } from '../../kit/parts.tsx'
import type { DeviceView, SlaveDoor } from '../core/views.ts'
import { grouped, qrModules } from './token-labels.ts'

export const NEW_DEVICE_LABELS = { name: 'Name' } as const

export function NewDevicePage({
  context,
  form,
}: {
  readonly context: PageContext
  readonly form: FormState
}) {
  return (
    <Layout context={context} title="New slave" width="reading">
      <Headline
        title="New slave"
        lead="The agent beside the meters gets a one-time token, calls this server by itself, and needs no open port."
      >
        <a href="/fleet">All devices</a>
      </Headline>
      <section class="card">
        <Form
          context={context}
          form={form}
          action="/fleet/new"
          labels={NEW_DEVICE_LABELS}
          submit="Make its token"
          cancel="/fleet"
        >
          <TextField
            form={form}
            name="name"
            label={NEW_DEVICE_LABELS.name}
            help="What people call the place: Old Town substation, House 7."
            required
          />
        </Form>
      </section>
    </Layout>
  )
}

export interface TokenPageProps {
  readonly context: PageContext
  readonly view: DeviceView
  /** Null: it is not shown any more. */
  readonly token: string | null
  readonly door: SlaveDoor
  /** The name that this page was asked under, for the address that the slave calls. */
  readonly host: string
  readonly now: UnixMs
}

export function TokenPage(props: TokenPageProps) {
  const { context, view, token } = props
  const { device } = view
  return (
    <Layout context={context} title={`Token of ${device.name}`} width="reading" live>
      <Headline title={device.name} lead={<code>{device.id}</code>}>
        <a href={`/fleet/${device.id}`}>Its page</a>
      </Headline>
      <div class="page-part" data-live="arrival">
        <Arrival {...props} />
      </div>
      {token === null ? <Hidden {...props} /> : <Shown {...props} token={token} />}
      {token !== null && <OnTheSlave {...props} token={token} />}
    </Layout>
  )
}

/** What has been heard of it so far. */
function Arrival({ view: { device, historyFrom }, now }: TokenPageProps) {
  const { enrolled, revoked, connectedAt, lastReadingAt, meters } = device
  const arrived = enrolled && !revoked
  return (
    <section class="card" aria-label="Arrival">
      <h2>{arrived ? 'It has arrived' : 'Not heard of yet'}</h2>
      {!arrived && (
        <p class="soft">
          This page looks again by itself, or <a href={`/fleet/${device.id}/token`}>look now</a>.
        </p>
      )}
      <Facts
        rows={[
          [
            'Token',
            <Badge key="token" tone={arrived ? 'good' : 'quiet'}>
              {arrived ? 'used' : 'not used yet'}
            </Badge>,
          ],
          [
            'Link',
            connectedAt === null ? (
              <Badge key="link" tone="quiet">
                not connected
              </Badge>
            ) : (
              <Badge key="link" tone="good">
                connected
              </Badge>
            ),
          ],
          ['First readings', <Ago key="last" at={lastReadingAt} now={now} />],
          ['Meters', countText(meters)],
          ['Back-fills from', historyFrom === null ? '–' : utcSecondText(historyFrom)],
        ]}
      />
      {arrived && meters > 0 && (
        <p>
          <a href="/meters?state=unassigned">Give its meters their places</a>
        </p>
      )}
    </section>
  )
}

function Shown({ token, door }: TokenPageProps & { readonly token: string }) {
  return (
    <Section
      title="Its token"
      lead={`For one slave, within ${door.tokenDays} days. It is shown for a quarter of an hour and to you alone.`}
    >
      <p>
        <code class="token">{grouped(token)}</code>
      </p>
      <Qr token={token} />
    </Section>
  )
}

function Hidden({ context, view: { device } }: TokenPageProps) {
  if (device.enrolled && !device.revoked) return null
  return (
    <Section
      title="Its token"
      lead="A token is shown once. If it was lost, make another; both work."
    >
      <form method="post" action={`/fleet/${device.id}/token`}>
        <FormToken context={context} />
        <button type="submit">Make another token</button>
      </form>
    </Section>
  )
}

/** Black on white in dark mode as well: a camera expects that. */
function Qr({ token }: { readonly token: string }) {
  const modules = qrModules(token)
  const size = modules.length
  const path = modules
    .flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : [])))
    .join('')
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label="The token as a QR code">
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  )
}

function OnTheSlave({ token, door, host }: TokenPageProps & { readonly token: string }) {
  const address = door.reachable ? host : '127.0.0.1'
  const config = `data = "data"
master = "tcp://${address}:${door.tcpPort}"
token_file = "token"

[[line]]
url = "serial:/dev/ttyUSB0?baud=9600&format=8N1"
protocol = "sem"
meters = ["NUMBER ON THE METER", "NUMBER OF THE NEXT"]

# A P1 port of a smart meter; its standard time, minutes east of UTC.
# [[line]]
# url = "serial:/dev/ttyUSB1"
# protocol = "dsmr"
# meters = ["NUMBER ON THE METER"]
# standard_offset_minutes = 60`
  return (
    <Section
      title="On the slave"
      lead="In a folder of its own, with Ticklock installed. The last command starts it and says what it does."
    >
      {!door.reachable && (
        <p class="notice notice-warn">
          This server listens on its own machine alone. For slaves elsewhere, start it with{' '}
          <code>TICKLOCK_HOST</code> set to an address that they reach, and write that below.
        </p>
      )}
      <pre tabIndex={0}>{`umask 077\nprintf '%s\\n' ${token} > token`}</pre>
      <p>
        A file <code>slave.toml</code> beside it, with its lines and meters:
      </p>
      <pre tabIndex={0}>{config}</pre>
      <p>
        Then, in the folder in which <code>npm ci</code> installed Ticklock, with the whole path of
        that file:
      </p>
      <pre tabIndex={0}>npm run ticklock -- slave /etc/ticklock/slave.toml</pre>
      <p class="soft">
        Where only web traffic gets through: <code>{`ws://${address}:${door.wsPort}/`}</code>. When
        this page says that the token is used, delete its file.
      </p>
    </Section>
  )
}
