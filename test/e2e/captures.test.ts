// Real meters' telegrams on a serial line, all the way into the database.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { SerialPort } from 'serialport'
import { repairPort } from '../../services/slave/shell/meters/serial-repair.ts'
import { concat, fromText } from '../../shared/bytes.ts'
import { encodeTelegram } from '../../shared/meter/dsmr/dsmr.ts'
import { packageRoot } from '../../shared/node/root.ts'
import { until, WholeWay } from './whole-way.ts'

const CAPTURES = join(packageRoot(), '../shared/captures/dsmr')
/** DSMR 5 meters send every second. */
const EVERY_MS = 1_000

interface Expected {
  readonly dsmr: { readonly crc?: { readonly valid: boolean } }
  readonly electricity: {
    readonly tariffs: Readonly<Record<string, Readonly<Record<'received' | 'returned', number>>>>
    readonly powerReceivedTotal: number
    readonly powerReturnedTotal: number
    readonly voltage?: Readonly<Record<string, number>>
    readonly current?: Readonly<Record<string, number>>
    readonly powerReceived?: Readonly<Record<string, number>>
    readonly powerReturned?: Readonly<Record<string, number>>
  }
  readonly mBus: Readonly<Record<string, { readonly value: number }>>
}

function capture(name: string): { readonly text: string; readonly expected: Expected } {
  const path = join(CAPTURES, name)
  const text = readFileSync(`${path}.txt`, 'latin1').replace(/\r?\n/g, '\r\n').trimEnd()
  return { text, expected: JSON.parse(readFileSync(`${path}.json`, 'utf8')) }
}

/** The lines before `!`, with a matching checksum: as printed in the files, no checksum matches. */
const withRightChecksum = ({ text }: { readonly text: string }): Uint8Array =>
  encodeTelegram(text.slice(0, text.lastIndexOf('\r\n!')).split('\r\n'))

/** `meter register value`, values in Wh, W, V, A and m3, as the .json states them. */
function expectedRows(meter: string, { electricity, mBus }: Expected): string[] {
  const rows: string[] = []
  const add = (register: string, value: number): void => {
    rows.push(`${meter} 1-0:${register} ${value}`)
  }
  for (const [tariff, { received, returned }] of Object.entries(electricity.tariffs)) {
    add(`1.8.${tariff}`, received)
    add(`2.8.${tariff}`, returned)
  }
  add('1.7.0', electricity.powerReceivedTotal)
  add('2.7.0', electricity.powerReturnedTotal)
  const phases = [
    [electricity.voltage, 32],
    [electricity.current, 31],
    [electricity.powerReceived, 21],
    [electricity.powerReturned, 22],
  ] as const
  for (const [values, first] of phases) {
    for (const [phase, value] of Object.entries(values ?? {})) {
      add(`${first + 20 * (Number(phase.slice(1)) - 1)}.7.0`, value)
    }
  }
  for (const [channel, { value }] of Object.entries(mBus)) {
    rows.push(`${meter}.${channel} 0-${channel}:24 ${value}`)
  }
  return rows.sort()
}

/** The same for what is stored. */
async function storedRows(way: WholeWay): Promise<string[]> {
  const rows = await way.rows<{ number: string; obis: string; value: string }>(
    `select distinct number, obis, (value * power(10::numeric, exponent))::text as value
     from readings join meters on meters.id = meter_id join registers on registers.id = register_id`,
  )
  return rows
    .map(({ number, obis, value }) => {
      const register = obis.replace(/\*255$/, '').replace(/^(0-\d:24)\..*/, '$1')
      return `${number} ${register} ${Number(value)}`
    })
    .sort()
}

/** Two ptys joined by socat, the far one open for writing. */
async function serialPair(t: TestContext): Promise<{ near: string; far: SerialPort }> {
  const socat: ChildProcess = spawn('socat', ['-d', '-d', 'pty,raw,echo=0', 'pty,raw,echo=0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  assert.ok(socat.stderr)
  const paths: string[] = []
  for await (const line of createInterface({ input: socat.stderr })) {
    const path = / PTY is (\S+)/.exec(line)?.[1]
    if (path !== undefined) paths.push(path)
    if (paths.length === 2) break
  }
  socat.stderr.resume()
  const [near = '', path = ''] = paths
  const far = new SerialPort({ path, baudRate: 115_200, autoOpen: false })
  repairPort(far)
  await new Promise<void>((done, failed) => {
    far.open((error) => (error ? failed(error) : done()))
  })
  t.after(async () => {
    if (far.isOpen) await new Promise<void>((closed) => far.close(() => closed()))
    socat.kill()
    if (socat.exitCode === null && socat.signalCode === null) await once(socat, 'exit')
  })
  return { near, far }
}

/** Sends the same bytes again and again, as a P1 port does. */
async function meter(t: TestContext, telegram: Uint8Array): Promise<string> {
  const { near, far } = await serialPair(t)
  const timer = setInterval(() => far.write(Buffer.from(telegram)), EVERY_MS)
  t.after(() => clearInterval(timer))
  return near
}

const line = (port: string, number: string, more = ''): string => `
[[line]]
url = "serial:${port}?baud=115200"
protocol = "dsmr"
meters = ["${number}"]
standard_offset_minutes = 60
${more}`

/** Why this machine cannot run the test; null when it can. */
function missing(): string | null {
  if (!existsSync(CAPTURES)) return `no captures at ${CAPTURES}`
  return spawnSync('socat', ['-V']).status === 0 ? null : 'socat is not installed'
}

test('telegrams of real meters reach the database as their .json states them (dsmr captures)', async (t) => {
  const why = missing()
  if (why !== null) {
    assert.notEqual(process.env['REQUIRE_PEERS'], '1', why)
    t.skip(why)
    return
  }
  const checked = capture('dsmr-5.0-ene-1')
  const bare = capture('dsmr-2.2-kfm-1')
  const printed = capture('dsmr-4.0-isk-1')
  const next = capture('dsmr-4.2-xmx-1')
  assert.equal(bare.expected.dsmr.crc, undefined)
  assert.equal(printed.expected.dsmr.crc?.valid, false)

  const way = await WholeWay.open()
  t.after(() => way.close())
  const ports = [
    await meter(t, withRightChecksum(checked)),
    await meter(t, fromText(`${bare.text}\r\n`)),
    // As printed, with its wrong checksum; then an intact telegram.
    await meter(t, concat(fromText(`${printed.text}\r\n`), withRightChecksum(next))),
  ]
  const token = await way.register('P1 ports', null)
  const slave = way.slave('p1', token.device)
  const [first = '', second = '', third = ''] = ports
  slave.configure(
    `master = "tcp://127.0.0.1:${way.ports.tcp}"\ntoken = "${token.text}"\n` +
      line(first, 'ENE') +
      line(second, 'KFM', 'allow_unchecked = true\n') +
      line(third, 'XMX'),
  )
  await way.noticed()
  slave.start()

  const faults = await until('MTR-02 on the fleet page', async () => {
    const [status] = await way.rows<{ faults: Readonly<Record<string, number>> }>(
      "select faults from device_status where faults ? 'MTR-02'",
    )
    return status?.faults ?? null
  })
  assert.ok((faults['MTR-02'] ?? 0) >= 1)
  const expected = [
    ...expectedRows('ENE', checked.expected),
    ...expectedRows('KFM', bare.expected),
    ...expectedRows('XMX', next.expected),
  ].sort()
  const stored = await until('as many registers as expected', async () => {
    const rows = await storedRows(way)
    return rows.length >= expected.length ? rows : null
  })
  assert.deepEqual(stored, expected)
  const unchecked = await way.rows<{ number: string; bare: boolean }>(
    `select distinct number, (quality & 1) = 1 as bare from readings
     join meters on meters.id = meter_id order by number`,
  )
  assert.deepEqual(
    unchecked.map(({ number, bare: without }) => [number, without]),
    ['ENE', 'KFM', 'KFM.1', 'XMX', 'XMX.1'].map((number) => [number, number.startsWith('KFM')]),
  )
  assert.doesNotMatch(slave.log(), /MTR-0[13-9]/)
})
