// NTS key establishment with chronyd, and with servers that misbehave.

import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createServer, type TlsOptions, type TLSSocket } from 'node:tls'
import { establish } from '../../services/master/shell/time/nts-ke.ts'
import { freePorts } from './ports.ts'
import { readSettings } from '../../services/settings.ts'
import { encodeKeRequest, KE_BYTES_MAX } from '../../shared/clock/nts/records.ts'
import { cookieRecord, grantOf, records } from '../fixtures/nts-server.ts'
import {
  type Certificates,
  makeCertificates,
  ntsLines,
  privateFolder,
  ready,
  serverLines,
  startChronyd,
} from './time-programs.ts'

const HOST = '127.0.0.1'
const NAMES = 'DNS:localhost,IP:127.0.0.1'
const ALPN = 'ntske/1'
/** Long enough for a handshake on a busy machine. */
const PATIENT_MS = 10_000
/** For servers that never answer. */
const HURRIED_MS = 700

function certificates(t: TestContext, names = NAMES, days = 2): Certificates {
  const folder = privateFolder()
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return makeCertificates(folder, names, days)
}

interface Told {
  readonly certificates: Certificates
  readonly options?: TlsOptions
  readonly serve: (socket: TLSSocket, request: Buffer) => void
}

/** A TLS server that gives the prescribed answer; resolves with its port. */
async function tlsServer(t: TestContext, { certificates: files, options, serve }: Told) {
  const server = createServer({
    key: readFileSync(files.key),
    cert: readFileSync(files.certificate),
    ALPNProtocols: [ALPN],
    ...options,
  })
  const sockets = new Set<TLSSocket>()
  server.on('secureConnection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('data', (request: Buffer) => serve(socket, request))
  })
  await new Promise<void>((done) => server.listen(0, HOST, done))
  t.after(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((done) => server.close(done))
  })
  return (server.address() as AddressInfo).port
}

const asking = async (port: number, files: Certificates, limitMs = PATIENT_MS, host = HOST) =>
  establish({ host, port, authorities: [files.authorityText], limitMs })

test('takes from chronyd its keys, eight cookies and where it answers (RFC 8915 4)', async (t) => {
  if (!ready(t, 'chronyd', 'openssl')) return
  const files = certificates(t)
  const [ntp = 0, ke = 0] = await freePorts(2)
  const chronyd = await startChronyd({ lines: [...serverLines(ntp), ...ntsLines(ke, files)] })
  t.after(() => chronyd.stop())
  for (const host of [HOST, 'localhost']) {
    const verdict = await asking(ke, files, PATIENT_MS, host)
    assert.ok(verdict.ok, verdict.ok ? '' : verdict.detail)
    const { established } = verdict
    assert.equal(established.keys.cookies.length, 8)
    assert.deepEqual([established.host, established.port], [HOST, ntp])
    const [toServer, toClient] = [established.keys.toServer, established.keys.toClient]
    assert.notDeepEqual(toServer.reveal(), toClient.reveal())
  }
  const stranger = await establish({ host: HOST, port: ke, authorities: [] })
  assert.ok(!stranger.ok && stranger.fault === 'CLK-13')
  assert.match(stranger.detail, /certificate/)
})

test('a server whose certificate is not valid gives nothing (CLK-13)', async (t) => {
  if (!ready(t, 'openssl')) return
  const serve = (socket: TLSSocket): unknown => socket.write(grantOf())
  const over = certificates(t, NAMES, -1)
  const verdict = await asking(await tlsServer(t, { certificates: over, serve }), over)
  assert.ok(!verdict.ok)
  assert.match(verdict.detail, /expired/)
  const other = certificates(t, 'DNS:time.example,IP:192.0.2.1')
  const foreign = await asking(await tlsServer(t, { certificates: other, serve }), other)
  assert.ok(!foreign.ok)
  assert.match(foreign.detail, /does not match|not in the cert's list/)
  // A stranger's certificate must not fill the log.
  const many = Array.from({ length: 200 }, (_, index) => `IP:192.0.2.${index}`).join()
  const wordy = certificates(t, many)
  const long = await asking(await tlsServer(t, { certificates: wordy, serve }), wordy)
  assert.ok(!long.ok && long.detail.length <= 400, long.ok ? '' : `${long.detail.length}`)
})

test('invalid answers: the reason, and no waiting beyond the limit (CLK-13)', async (t) => {
  if (!ready(t, 'openssl')) return
  const files = certificates(t)
  const why = async (told: Omit<Told, 'certificates'>, limitMs?: number): Promise<string> => {
    const port = await tlsServer(t, { certificates: files, ...told })
    const verdict = await asking(port, files, limitMs)
    assert.ok(!verdict.ok)
    assert.equal(verdict.fault, 'CLK-13')
    return verdict.detail
  }
  const serve = (socket: TLSSocket): unknown => socket.write(grantOf())
  const old = { maxVersion: 'TLSv1.2' } as const
  assert.match(await why({ serve, options: old }), /protocol version|unsupported protocol/i)
  assert.match(await why({ serve, options: { ALPNProtocols: ['http/1.1'] } }), /alpn|protocol/i)
  assert.match(await why({ serve, options: { ALPNProtocols: undefined } }), /does not speak/)
  const error = records([0x8002, Uint8Array.of(0, 2)], [0x8000, new Uint8Array(0)])
  assert.match(await why({ serve: (socket) => socket.write(error) }), /error 2/)
  const half = grantOf().subarray(0, 400)
  assert.match(await why({ serve: (socket) => socket.end(half) }), /closed without an answer/)
  assert.match(await why({ serve: () => {} }, HURRIED_MS), /no answer within 700 ms/)
  const endless = records([99, new Uint8Array(KE_BYTES_MAX)])
  assert.match(await why({ serve: (socket) => socket.write(endless) }), /too long/)
  const drip = (socket: TLSSocket): void => {
    const timer = setInterval(() => socket.write(records(cookieRecord(1, 12))), 50)
    socket.on('close', () => clearInterval(timer))
  }
  assert.match(await why({ serve: drip }, HURRIED_MS), /no answer within 700 ms/)
})

test('asks exactly once, and accepts an answer in pieces', async (t) => {
  if (!ready(t, 'openssl')) return
  const files = certificates(t)
  const requests: Buffer[] = []
  const port = await tlsServer(t, {
    certificates: files,
    serve: (socket, request) => {
      requests.push(request)
      const answer = grantOf([7, Uint8Array.of(0, 124)])
      socket.write(answer.subarray(0, 7))
      setTimeout(() => socket.write(answer.subarray(7)), 50)
    },
  })
  const verdict = await asking(port, files)
  assert.ok(verdict.ok)
  assert.deepEqual([verdict.established.host, verdict.established.port], [HOST, 124])
  assert.equal(Buffer.concat(requests).compare(encodeKeRequest()), 0)
})

test('nobody there, and a server that speaks no TLS (CLK-13)', async (t) => {
  const [closed = 0] = await freePorts(1)
  const refused = await establish({ host: HOST, port: closed, authorities: [] })
  assert.ok(!refused.ok)
  assert.match(refused.detail, /ECONNREFUSED/)
  const plain = createTcpServer((socket) =>
    socket
      .on('error', () => {})
      .resume()
      .end('hello\r\n'),
  )
  await new Promise<void>((done) => plain.listen(0, HOST, done))
  t.after(() => new Promise((done) => plain.close(done)))
  const { port } = plain.address() as AddressInfo
  const verdict = await establish({ host: HOST, port, authorities: [] })
  assert.ok(!verdict.ok)
})

test('TICKLOCK_TIME_CA names certificates; OPS-05 where there are none', (t) => {
  if (!ready(t, 'openssl')) return
  const { authority, authorityText, certificate, key } = certificates(t)
  const settings = (path: string) => readSettings({ TICKLOCK_TIME_CA: path }).timeAuthorities
  assert.deepEqual(settings(authority), [authorityText])
  assert.deepEqual(readSettings({}).timeAuthorities, [])
  const both = `${authority}.both`
  const damaged = `${authority}.damaged`
  writeFileSync(both, `# two\n${authorityText}${readFileSync(certificate, 'utf8')}`)
  writeFileSync(damaged, authorityText.replace(/\n.{8}/, '\nAAAAAAAA'))
  assert.equal(settings(both).length, 2)
  for (const path of [key, damaged, `${authority}.not`]) {
    assert.throws(() => settings(path), /TICKLOCK_TIME_CA/, path)
  }
})
