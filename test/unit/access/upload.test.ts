// Forms with a file, over a real socket: the token before the file, limits, and nothing kept.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import fastifyFormbody from '@fastify/formbody'
import fastifyMultipart from '@fastify/multipart'
import fastify, { type FastifyInstance } from 'fastify'
import { guarded } from '../../../services/billing/access/http/guard.ts'
import type { Sessions } from '../../../services/billing/access/http/session.ts'
import { UPLOAD_LIMITS } from '../../../services/billing/access/http/upload.ts'
import type { Viewer } from '../../../services/billing/kit/context.ts'
import {
  type Door,
  field,
  UPLOAD,
  UPLOAD_BYTES_MAX,
  uploadBytes,
} from '../../../services/billing/kit/door.ts'
import { fieldsOf } from '../../../services/billing/kit/form.ts'
import { limitArrival } from '../../../services/billing/site/http/arrival.ts'

const TOKEN = 'a-token'
let app: FastifyInstance
let port = 0
let viewer: Viewer | null = { kind: 'operator', id: 1, name: 'Ada' }
/** What the handler saw, and how many bytes of a file it took. */
const seen: unknown[] = []
const refused: (readonly [string, string])[] = []

const sessions: Sessions = {
  watch: {
    refused: (fault, detail) => void refused.push([fault, detail]),
    allowed: () => {},
    counts: () => new Map(),
  },
  viewer: async () => viewer,
  open: async () => true,
  openByLink: async () => null,
  close: async () => {},
  context: (_request, _reply, who) => ({
    viewer: who,
    formToken: TOKEN,
    path: '/',
    assets: { style: '', icon: '', refresh: null, keys: null },
    isPage: () => false,
    demo: false,
  }),
  formFits: (request) => field(request, 'form_token') === TOKEN,
}

before(async () => {
  app = fastify()
  limitArrival(app, { formMs: 300, fileMs: 1_500 })
  await app.register(fastifyFormbody)
  await app.register(fastifyMultipart, { limits: UPLOAD_LIMITS, throwFileSizeLimit: false })
  const page: Door = guarded.bind(null, sessions, 'operator')
  app.post(
    '/files',
    UPLOAD,
    page(async ({ request, upload }) => {
      const bytes = upload === null ? null : await uploadBytes(upload)
      seen.push([
        field(request, 'name'),
        fieldsOf(request, 'tick'),
        upload?.filename,
        bytes?.length,
      ])
      return { to: '/done' }
    }),
  )
  app.post(
    '/unread',
    UPLOAD,
    page(async ({ upload }) => ({ to: upload === null ? '/none' : '/some' })),
  )
  app.post(
    '/plain',
    page(async () => ({ to: '/done' })),
  )
  app.get(
    '/list.csv',
    page(async () => ({
      csv: { head: ['Name'], rows: Array.from({ length: 50_000 }, () => ['=cmd()']) },
      name: 'list.csv',
    })),
  )
  app.get(
    '/broken.csv',
    page(async () => ({ csv: { head: ['Name'], rows: breaking() }, name: 'list.csv' })),
  )
  await app.listen({ port: 0, host: '127.0.0.1' })
  const address = app.server.address()
  port = typeof address === 'object' && address !== null ? address.port : 0
})
after(() => app.close())

function* breaking() {
  for (let row = 0; row < 10_000; row += 1) yield ['Asha']
  throw new Error('the table is gone')
}

async function post(path: string, fields: readonly (readonly [string, string | Blob])[]) {
  const form = new FormData()
  for (const [name, value] of fields) {
    if (typeof value === 'string') form.append(name, value)
    else form.append(name, value, 'meters.csv')
  }
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    body: form,
    redirect: 'manual',
  })
  const location = answer.headers.get('location') ?? ''
  return [answer.status, location || ((await answer.text()).match(/OPS-\d\d/)?.[0] ?? '')]
}
const file = (bytes: number) => new Blob([Buffer.alloc(bytes, 'x')])

void describe('a form with a file', () => {
  test('its fields are read as those of any form, the file arrives whole', async () => {
    seen.length = 0
    const ticks = [
      ['tick', 'a'],
      ['tick', 'b'],
    ] as const
    const fields = [['form_token', TOKEN], ['name', 'Søren'], ...ticks] as const
    assert.deepEqual(await post('/files', [...fields, ['file', file(100_000)]]), [303, '/done'])
    assert.deepEqual(seen, [['Søren', ['a', 'b'], 'meters.csv', 100_000]])
  })

  test('without its token, or with the token behind the file, no byte is taken (OPS-22)', async () => {
    seen.length = 0
    assert.deepEqual(await post('/files', [['file', file(10)]]), [403, 'OPS-22'])
    const late = [['file', file(10)] as const, ['form_token', TOKEN] as const]
    assert.deepEqual(await post('/files', late), [403, 'OPS-22'])
    assert.deepEqual(seen, [])
  })

  test('whoever is not logged in is sent to the log-in page before anything is read', async () => {
    seen.length = 0
    viewer = null
    try {
      assert.deepEqual(
        await post('/files', [
          ['form_token', TOKEN],
          ['file', file(9)],
        ]),
        [303, '/login'],
      )
    } finally {
      viewer = { kind: 'operator', id: 1, name: 'Ada' }
    }
    assert.deepEqual(seen, [])
  })

  test('a file below the limit is whole, one above it is none', async () => {
    for (const [bytes, taken] of [
      [UPLOAD_BYTES_MAX - 1, UPLOAD_BYTES_MAX - 1],
      [UPLOAD_BYTES_MAX + 1, undefined],
    ] as const) {
      seen.length = 0
      const fields = [
        ['form_token', TOKEN],
        ['file', file(bytes)],
      ] as const
      assert.deepEqual(await post('/files', fields), [303, '/done'])
      assert.deepEqual(seen, [['', [], 'meters.csv', taken]], String(bytes))
    }
  })

  test('a body that says it is far larger is refused unread (413)', async () => {
    const [status] = await post('/files', [
      ['form_token', TOKEN],
      ['file', file(UPLOAD_BYTES_MAX + 1_000_000)],
    ])
    assert.equal(status, 413)
  })

  test('too long a field, too many fields, a control character: refused, no handler runs', async () => {
    seen.length = 0
    const token = ['form_token', TOKEN] as const
    const many = Array.from({ length: 80 }, (_field, at) => [`n${at}`, 'x'] as const)
    for (const [fields, status] of [
      [[token, ['name', 'x'.repeat(5_000)]], 413],
      [[token, ...many], 400],
      [[token, ['name', 'a\u0000b']], 400],
      [[token, ['__proto__', 'x']], 400],
    ] as const) {
      assert.equal((await post('/files', fields))[0], status)
    }
    assert.deepEqual(seen, [])
  })

  test('a file that no handler reads is dropped, and the answer comes', async () => {
    const fields = [
      ['form_token', TOKEN],
      ['file', file(8_000_000)],
    ] as const
    assert.deepEqual(await post('/unread', fields), [303, '/some'])
  })

  test('a route that takes no file reads none: its token is not found (OPS-22)', async () => {
    const fields = [
      ['form_token', TOKEN],
      ['file', file(10)],
    ] as const
    assert.deepEqual(await post('/plain', fields), [403, 'OPS-22'])
  })

  test('a caller who goes away in the middle leaves nothing behind', async () => {
    const handles = () => process.getActiveResourcesInfo().length
    const before_ = handles()
    for (let time = 0; time < 5; time += 1) {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      socket.write(
        'POST /files HTTP/1.1\r\nhost: a\r\ncontent-length: 9000\r\n' +
          'content-type: multipart/form-data; boundary=b\r\n\r\n--b\r\n' +
          `content-disposition: form-data; name="form_token"\r\n\r\n${TOKEN}\r\n--b\r\n` +
          'content-disposition: form-data; name="file"; filename="a"\r\n\r\nxxxx',
      )
      await wait(30)
      socket.destroy()
    }
    await wait(100)
    assert.ok(handles() <= before_ + 1, `${handles()} of ${before_}`)
    assert.deepEqual(await post('/files', [['form_token', TOKEN]]), [303, '/done'])
  })
})

/** How long the server lets somebody send a body drop by drop, milliseconds. */
async function drip(path: string, type: string): Promise<number> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.on('error', () => {})
  const start = performance.now()
  socket.write(
    `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-length: 9000\r\ncontent-type: ${type}\r\n\r\n`,
  )
  const timer = setInterval(() => socket.write('x'), 50)
  // Not once(): it rejects where the end comes as a reset, which is an end as well.
  await new Promise((closed) => socket.on('close', closed))
  clearInterval(timer)
  return performance.now() - start
}

test('a form that arrives drop by drop is cut off, a file has more time', async () => {
  const form = await drip('/plain', 'application/x-www-form-urlencoded')
  assert.ok(form > 250, `${form} ms`)
  const slow = await drip('/files', 'multipart/form-data; boundary=b')
  assert.ok(slow > 1_400 && slow > form, `${slow} ms, a form ${form} ms`)
})

test('a list goes out as a file to be saved, with every formula defused', async () => {
  const answer = await fetch(`http://127.0.0.1:${port}/list.csv`)
  assert.equal(answer.headers.get('content-type'), 'text/csv; charset=utf-8')
  assert.equal(answer.headers.get('content-disposition'), 'attachment; filename="list.csv"')
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(await answer.arrayBuffer())
  assert.equal(text.length, '\uFEFF"Name"\r\n'.length + 50_000 * `"'=cmd()"\r\n`.length)
  assert.doesNotMatch(text, /"=/)
})

test('a list that breaks off in the middle does not look whole, and the log says why (OPS-28)', async () => {
  refused.length = 0
  await assert.rejects(async () => (await fetch(`http://127.0.0.1:${port}/broken.csv`)).text())
  assert.deepEqual(refused, [['OPS-28', 'the table is gone']])
})
