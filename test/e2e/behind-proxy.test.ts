// Behind Debian's own nginx and Caddy, set up as docs/operating.md says: its examples are taken
// from the page, with our ports and certificate put in.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { chromium } from 'playwright-core'
import { tokenHash } from '../../services/billing/access/shell/tokens.ts'
import { packageRoot } from '../../shared/node/root.ts'
import { freePorts } from './ports.ts'
import { temporaryFolder } from './postgres.ts'
import { type Certificates, ended, ENVIRONMENT, makeCertificates, ready } from './time-programs.ts'
import { until, WholeWay } from './whole-way.ts'

const CHROMIUM = '/usr/bin/chromium'
const PASSWORD = 'correct horse battery'
const CUSTOMERS = 60

/** The example for one program, as the page prints it. */
function example(language: string): string {
  const page = readFileSync(join(packageRoot(), 'docs/operating.md'), 'utf8')
  const found = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'm').exec(page)?.[1]
  assert.ok(found !== undefined, `docs/operating.md has an example for ${language}`)
  return found
}

/** Replaces what a reader is told to replace; each must be there. */
function filled(text: string, values: readonly (readonly [string, string])[]): string {
  return values.reduce((filling, [from, to]) => {
    assert.ok(filling.includes(from), `${from} in the example`)
    return filling.replaceAll(from, to)
  }, text)
}

interface Place {
  readonly folder: string
  readonly port: number
  readonly upstream: number
  readonly certificates: Certificates
}

const files = ({ certificates }: Place): readonly (readonly [string, string])[] => [
  ['/etc/ssl/certs/bills.example.org.pem', certificates.certificate],
  ['/etc/ssl/private/bills.example.org.key', certificates.key],
]

/** The command that runs nginx with the example, in a folder of its own. */
function nginx(place: Place): readonly string[] {
  const { folder, port, upstream } = place
  const site = filled(example('nginx'), [
    ...files(place),
    ['listen 443 ssl', `listen 127.0.0.1:${port} ssl`],
    ['server_name bills.example.org', 'server_name localhost'],
    ['http://127.0.0.1:8080', `http://127.0.0.1:${upstream}`],
  ])
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${join(folder, name)};`,
  )
  const file = join(folder, 'nginx.conf')
  writeFileSync(
    file,
    `daemon off; pid ${join(folder, 'pid')}; error_log stderr;
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    events {} http { access_log off; ${temporary.join(' ')} ${site} }`,
  )
  return ['nginx', '-c', file, '-p', folder, '-e', 'stderr']
}

function caddy(place: Place): readonly string[] {
  const { folder, port, upstream } = place
  const site = filled(example('caddyfile'), [
    ...files(place),
    ['https://bills.example.org {', `https://localhost:${port} {\n\tbind 127.0.0.1`],
    ['127.0.0.1:8080', `127.0.0.1:${upstream}`],
  ])
  const file = join(folder, 'Caddyfile')
  writeFileSync(file, `{\n\tadmin off\n\tauto_https disable_redirects\n}\n${site}`)
  return ['caddy', 'run', '--config', file, '--adapter', 'caddyfile']
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: string
}

/** A client at an address of its own: all of 127.0.0.0/8 is this machine. */
class Client {
  readonly #place: Place
  readonly #address: string
  #cookie = ''

  constructor(place: Place, address: string) {
    this.#place = place
    this.#address = address
  }

  send(method: string, path: string, options: { body?: string; forwarded?: string } = {}) {
    const { body, forwarded } = options
    const { port, certificates } = this.#place
    const headers = {
      accept: 'text/html',
      ...(this.#cookie === '' ? {} : { cookie: this.#cookie }),
      ...(forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }),
      ...(body === undefined
        ? {}
        : {
            'content-type': 'application/x-www-form-urlencoded',
            'content-length': Buffer.byteLength(body),
          }),
    }
    return new Promise<Answer>((done, failed) => {
      const asked = request(
        {
          host: '127.0.0.1',
          servername: 'localhost',
          port,
          path,
          method,
          headers: { host: `localhost:${port}`, ...headers },
          localAddress: this.#address,
          ca: certificates.authorityText,
          agent: false,
        },
        (answer) => {
          let text = ''
          answer.on('data', (chunk: Buffer) => {
            text += chunk.toString()
          })
          answer.on('end', () => {
            const set = answer.headers['set-cookie'] ?? []
            const kept = set.find((line) => !/=;/.test(line))?.split(';')[0]
            if (kept !== undefined) this.#cookie = kept
            done({ status: answer.statusCode ?? 0, headers: answer.headers, body: text })
          })
        },
      )
      asked.on('error', failed)
      asked.end(body)
    })
  }

  /** Opens the page and posts its form. */
  async post(path: string, fields: Record<string, string>, forwarded?: string): Promise<Answer> {
    const told = forwarded === undefined ? {} : { forwarded }
    const page = await this.send('GET', path, told)
    const form_token = /name="form_token" value="([^"]+)"/.exec(page.body)?.[1] ?? ''
    const body = new URLSearchParams({ form_token, ...fields }).toString()
    return this.send('POST', path, { body, ...told })
  }
}

interface Deployed {
  readonly way: WholeWay
  readonly place: Place
  readonly url: string
}

/** `ticklock up` with its public address, and the proxy in front of it. */
async function deploy(
  t: TestContext,
  commandOf: (place: Place) => readonly string[],
): Promise<Deployed> {
  const { folder, remove } = temporaryFolder()
  chmodSync(folder, 0o711)
  const [port = 0] = await freePorts(1)
  const url = `https://localhost:${port}`
  const way = await WholeWay.open({ TICKLOCK_PUBLIC_URL: url, TICKLOCK_TRUSTED_PROXY: '127.0.0.1' })
  t.after(async () => {
    await way.close()
    remove()
  })
  const certificates = makeCertificates(folder, 'DNS:localhost,IP:127.0.0.1')
  const place: Place = { folder, port, upstream: way.ports.http, certificates }
  const [program = '', ...args] = commandOf(place)
  const env = { ...ENVIRONMENT, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
  const child: ChildProcess = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  t.after(() => ended(child))
  await until(`${program} answers`, async () => {
    assert.equal(child.exitCode, null, said)
    return (await new Client(place, '127.0.0.1').send('GET', '/login')).status === 200
  })
  return { way, place, url }
}

for (const [program, commandOf] of [
  ['nginx', nginx],
  ['caddy', caddy],
] as const) {
  test(`behind ${program}: links, cookies, HSTS, and limits for each client (operating.md)`, async (t) => {
    if (!ready(t, program, 'openssl')) return
    const { way, place, url } = await deploy(t, commandOf)

    const setup = new RegExp(`here .*: ${url}(/setup/[A-Za-z0-9_-]{22})`).exec(way.output)?.[1]
    assert.ok(setup !== undefined, way.output)
    const desk = new Client(place, '127.0.0.2')
    const made = await desk.post(setup, { name: 'ada', password: PASSWORD })
    assert.deepEqual([made.status, made.headers['location']], [303, '/start'])
    assert.match(
      String(made.headers['set-cookie']),
      /__Host-ticklock-session=[^;]{43}; Max-Age=43200; Path=\/; HttpOnly; Secure; SameSite=Lax/,
    )
    assert.equal(made.headers['strict-transport-security'], 'max-age=31536000')
    assert.equal((await desk.send('GET', '/fleet')).status, 200)
    assert.equal((await desk.send('GET', '/metrics')).status, 404)

    // Sixty customers within the minute, each at an address of their own.
    const [customer] = await way.rows<{ id: number }>(
      `insert into customers (number, name, address) values ('C-1', 'Asha', '') returning id`,
    )
    for (let index = 1; index <= CUSTOMERS; index += 1) {
      const link = String(index).padStart(22, 'L')
      await way.rows(
        `insert into links (hash, purpose, customer_id, expires_at)
         values ($1, 'customer', $2, now() + interval '1 day')`,
        [tokenHash(link), customer?.id],
      )
      const opened = await new Client(place, `127.0.1.${index}`).post(`/c/${link}`, {})
      assert.deepEqual([opened.status, opened.headers['location']], [303, '/home'], `${index}`)
    }

    // One guesser, who claims to be somebody else each time, and is not.
    const wrong = { name: 'ada', password: 'not this one at all' }
    for (let attempt = 1; attempt <= 6; attempt += 1) {
      const guesser = new Client(place, '127.0.2.1')
      const { status } = await guesser.post('/login', wrong, `203.0.113.${attempt}`)
      assert.equal(status, attempt <= 5 ? 401 : 429, `attempt ${attempt}`)
    }
    const other = await new Client(place, '127.0.2.2').post('/login', wrong)
    assert.equal(other.status, 401)
    assert.match(way.output, /"from":"127\.0\.0\.2".*first operator/)
    assert.match(way.output, /"from":"127\.0\.2\.1".*OPS-20/)
    assert.doesNotMatch(way.output, /203\.0\.113/)
  })
}

test('a browser logs in over https and, without a proxy, over http', async (t) => {
  if (!ready(t, 'nginx', 'openssl')) return
  if (!existsSync(CHROMIUM) && process.env['REQUIRE_PEERS'] !== '1') {
    return t.skip(`${CHROMIUM} is absent (package chromium)`)
  }
  const args = ['--no-sandbox', '--disable-gpu', '--no-first-run']
  const browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args })
  t.after(() => browser.close())
  const behind = await deploy(t, nginx)
  const alone = await WholeWay.open()
  t.after(() => alone.close())
  for (const { way, url, secure } of [
    { way: behind.way, url: behind.url, secure: true },
    { way: alone, url: `http://localhost:${alone.ports.http}`, secure: false },
  ]) {
    const setup = /here .*: (\S+)/.exec(way.output)?.[1] ?? ''
    assert.ok(setup.startsWith(`${url}/setup/`), setup)
    const context = await browser.newContext({ ignoreHTTPSErrors: true })
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text())
    })
    await page.goto(setup)
    await page.fill('[name=name]', 'ada')
    await page.fill('[name=password]', PASSWORD)
    await page.click('main button')
    assert.equal(page.url(), `${url}/start`)
    const [session] = (await context.cookies()).filter(({ name }) => name.endsWith('session'))
    assert.deepEqual([session?.secure, session?.name.startsWith('__Host-')], [secure, secure])
    await page.goto(`${url}/access`)
    await page.getByRole('button', { name: 'End sessions of ada' }).click()
    assert.equal(page.url(), `${url}/login`, 'the session that ended was this one')
    await page.fill('[name=name]', 'ada')
    await page.fill('[name=password]', PASSWORD)
    await page.click('main button')
    assert.equal(page.url(), `${url}/attention`)
    assert.deepEqual(complaints, [])
    await context.close()
  }
})
