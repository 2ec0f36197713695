// The thief of one session: he holds its transport keys, both directions, and in some attempts the
// device's psk as well, but no static key. He speaks to the slave as the master and to the master
// as a device, and wants what he says to outlive the session (wire.md 5.5).

import { once } from 'node:events'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { concat, fromText } from '../../shared/bytes.ts'
import { nodeRandom, nodeSuite } from '../../shared/node/node-suite.ts'
import { certifierOf } from '../../shared/tves/certificate.ts'
import { ControlChannel, SESSION_PATTERN, sessionPrologue } from '../../shared/tves/handshake.ts'
import { hkdf } from '../../shared/tves/hkdf.ts'
import { type KeyPair, startHandshake } from '../../shared/tves/noise.ts'
import { unixMs, unixUs } from '../../shared/units.ts'
import { type ControlMessage, decodeControl, encodeControl } from '../../shared/wire/control.ts'
import { readMessage, sessionAnswer } from '../../shared/wire/message.ts'
import { encodeSessionOffer } from '../../shared/wire/payload.ts'
import { Deframer, lengthPrefixed } from '../../shared/wire/transport.ts'
import { RogueSession, type StolenKeys } from './rogue.ts'
import { until, type Victim } from './scene.ts'
import { SessionThief } from './session-thief.ts'
import { stolenFolder } from './trials-loot.ts'
import { insider } from './trials-flood.ts'
import { countedWhile, has, linked, type Stage, type Trial } from './trial.ts'

const KEY_BYTES = 32
/** Beyond it no command of the true master would ever be executed. */
const LAST_NUMBER = 2 ** 48 - 1

/** What a slave keeps of those it obeys, and the keys the stage is set with. */
function diskOf({ scene }: Stage, victim: Victim) {
  const to = join(scene.settings.dataFolder, 'robbed')
  const folder = stolenFolder(victim, to)
  const file = readdirSync(folder).find((name) => /\.(?:db|sqlite)$/.test(name)) ?? ''
  const db = new DatabaseSync(join(folder, file), { readOnly: true })
  try {
    const row = db.prepare('select * from identity').get() ?? {}
    const bytes = (name: string): Uint8Array => {
      const value = row[name]
      return value instanceof Uint8Array ? value : new Uint8Array(0)
    }
    const rest = ['command', 'schedules'].map((table) => db.prepare(`select * from ${table}`).all())
    const trusted = [bytes('master_key').toHex(), bytes('next_master_key').toHex(), rest]
    return {
      slaveKey: nodeSuite.publicKey(bytes('static_key')),
      psk: bytes('psk'),
      device: bytes('device'),
      trusts: JSON.stringify(trusted),
    }
  } finally {
    db.close()
    rmSync(to, { recursive: true })
  }
}

type Disk = ReturnType<typeof diskOf>

/** Answers the slave's calls, so that there is a session to rob, and says one thing in each. */
class RobbedLine {
  readonly #server: Server
  readonly #keys: KeyPair
  readonly #disk: Disk
  readonly #sockets = new Set<Socket>()
  #says: Uint8Array | null = null
  /** Sessions that the slave ended after hearing it. */
  ended = 0

  private constructor(server: Server, keys: KeyPair, disk: Disk) {
    this.#server = server
    this.#keys = keys
    this.#disk = disk
    server.on('connection', (socket) => this.#serve(socket))
  }

  static async open(keys: KeyPair, disk: Disk): Promise<RobbedLine> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new RobbedLine(server, keys, disk)
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** From now on, in every session. */
  say(plaintext: Uint8Array): void {
    this.#says = plaintext
  }

  async close(): Promise<void> {
    const closed = new Promise((done) => this.#server.close(done))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #serve(socket: Socket): void {
    const deframer = new Deframer()
    const thief = new SessionThief(nodeSuite)
    let channel: ControlChannel | null = null
    let said = false
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.#sockets.delete(socket)
      if (said) this.ended += 1
    })
    socket.on('data', (chunk: Buffer) => {
      for (const body of deframer.push(chunk).bodies) {
        if (channel === null) {
          const greeted = this.#greet(thief, body)
          if (greeted === null) return
          channel = greeted.channel
          socket.write(lengthPrefixed(greeted.answer))
          continue
        }
        const opened = channel.open(body)
        const message = opened.ok ? decodeControl(opened.plaintext) : null
        if (message?.is !== 'confirm' || this.#says === null) continue
        socket.write(lengthPrefixed(channel.seal(encodeControl(committedTo(message)))))
        // Here the session is open, and its transport keys are stolen.
        socket.write(lengthPrefixed(thief.asVictim(this.#says)))
        said = true
      }
    })
  }

  #greet(thief: SessionThief, hello: Uint8Array) {
    const verdict = readMessage(hello)
    if (!verdict.ok || verdict.message.is !== 'session' || verdict.message.step !== 1) return null
    const { suite, noise: step } = verdict.message
    const noise = startHandshake({
      suite: thief.suite,
      pattern: SESSION_PATTERN[suite],
      initiator: false,
      prologue: sessionPrologue(suite),
      staticKey: this.#keys,
      psk: this.#disk.psk,
      ephemeral: nodeRandom(KEY_BYTES),
    })
    if (noise.read(step) === null) return null
    const now = unixUs(Date.now() * 1_000)
    const answer = noise.write(
      encodeSessionOffer({
        device: this.#disk.device,
        t2: now,
        t3: now,
        bound: null,
        tolerance: 10,
        historyFrom: null,
        origin: null,
      }),
    )
    if (answer === null) return null
    const channel = new ControlChannel(noise.finish(), null)
    return { channel, answer: sessionAnswer(suite, answer) }
  }
}

/** Nothing is missing: no frame comes, and the thief has the word. */
const committedTo = ({ runs }: Extract<ControlMessage, { is: 'confirm' }>): ControlMessage => ({
  is: 'committed',
  epoch: 0,
  runs: runs.map(({ epoch, run, sequence, hash }) => ({
    epoch,
    run,
    known: true,
    next: run === 0 ? 0 : sequence + 1,
    hash,
  })),
})

/** What he says to the slave: his own key, points of small order, and the last number there is. */
function toSlave(disk: Disk, master: Uint8Array, other: StolenKeys): readonly Uint8Array[] {
  const own = nodeSuite.publicKey(nodeRandom(KEY_BYTES))
  const key = encodeControl({ is: 'master-key', key: own })
  const zero = encodeControl({ is: 'master-key', key: new Uint8Array(KEY_BYTES) })
  const expires = unixMs(Date.now() + 3_600_000)
  const command = encodeControl({
    is: 'command',
    number: LAST_NUMBER,
    expires,
    what: { task: 'read-now', meter: null },
  })
  // Of the psk he can make a key as the certificates' is made, but not theirs.
  const info = concat(master, disk.slaveKey)
  const secret = fromText('TVES/1 certificate')
  const fromPsk = hkdf(nodeSuite, { salt: disk.psk, secret, info }, KEY_BYTES)
  const withPsk = (said: Uint8Array): Uint8Array =>
    concat(said, nodeSuite.hmacSha256(fromPsk, concat(Uint8Array.of(2), disk.device, said)))
  // A true certificate, which the master gives to another device for the very same key.
  const replayed = certifierOf({
    suite: nodeSuite,
    side: 'master',
    device: other.device,
    privateKey: other.staticKey,
    peer: other.masterKey,
    masterKey: other.masterKey,
    slaveKey: nodeSuite.publicKey(other.staticKey),
  }).ours(key)
  return [
    key,
    withPsk(key),
    concat(key, replayed ?? nodeRandom(KEY_BYTES)),
    zero,
    withPsk(zero),
    withPsk(command),
  ]
}

/** What he says to the master: frames given up, and an answer to a command. */
function toMaster(epoch: number): readonly Uint8Array[] {
  const place = { epoch, run: 1 }
  const hash = nodeRandom(KEY_BYTES)
  const all = { ...place, first: 0, last: 2 ** 32 - 2, reason: 'damaged', hash } as const
  const messages: readonly ControlMessage[] = [
    { is: 'tombstone', ...all },
    { is: 'skip', ...place, sequence: 0, bodyHash: hash },
    { is: 'receipt', number: LAST_NUMBER, outcome: 'done', detail: '' },
  ]
  return messages.map(encodeControl)
}

/** Says each thing in a session of its own with the slave; how many sessions it ended for that. */
async function robSlave(stage: Stage, victim: Victim, other: StolenKeys) {
  const { line, process } = victim
  const [master] = stage.scene.headEnd.keys.staticKeys
  const before = diskOf(stage, victim)
  const robbed = await RobbedLine.open(master, before)
  const log = join(victim.folder, 'log.jsonl')
  const counted = (): number => readFileSync(log, 'utf8').split('SEC-16').length - 1
  const refusedBefore = counted()
  const said = toSlave(before, master.publicKey, other)
  line.redirect = robbed.port
  let ended = 0
  for (const plaintext of said) {
    robbed.say(plaintext)
    const endedBefore = robbed.ended
    // It waits longer after each broken link, so it begins anew.
    await process.stop()
    process.start()
    await until('the slave ended the session', () => robbed.ended > endedBefore)
    ended += 1
  }
  await process.stop()
  line.redirect = null
  await robbed.close()
  const unmoved = diskOf(stage, victim).trusts === before.trusts
  process.start()
  await linked(stage, victim)
  return { said: said.length, ended, refused: counted() - refusedBefore, unmoved }
}

/** The same towards the master, as a device of the attacker's own whose static key stays unused. */
async function robMaster(stage: Stage, keys: StolenKeys) {
  const { tcpPort } = stage.scene.settings
  let said = 0
  let micros = 0
  const found = await countedWhile(
    stage.scene,
    async () => {
      for (const at of [0, 1, 2]) {
        const thief = new SessionThief(nodeSuite)
        const session = await RogueSession.open(tcpPort, keys, thief.suite)
        if (session === null) throw new Error('no session')
        const since = performance.now()
        session.link.send(thief.asVictim(toMaster(session.epoch?.id ?? 1)[at] ?? nodeRandom(1)))
        await session.link.ended()
        micros += (performance.now() - since) * 1_000
        said += 1
        session.link.close()
      }
    },
    (now) => (now.get('SEC-16') ?? 0) >= 3,
  )
  return { said, found, micros: micros / said }
}

export const SESSION_TRIALS: readonly Trial[] = [
  {
    name: 'session thief',
    tries:
      'with a session’s keys and the psk: his own master key, zero points, another device’s ' +
      'certificate, the last command number, frames given up',
    stirs: true,
    run: async (stage) => {
      const keys = await insider(stage, 'robbed')
      const slave = await robSlave(stage, stage.busy, keys)
      const master = await robMaster(stage, keys)
      const given = await stage.scene.count(
        'select count(*) as count from exceptions where device_id = $1',
        [keys.device.toHex()],
      )
      const stopped =
        slave.unmoved && slave.refused >= slave.said && has('SEC-16')(master.found) && given === 0
      return {
        sent: slave.said + master.said,
        refusedBy: slave.refused > 0 ? ['SEC-16'] : [],
        microsEach: master.micros,
        stopped,
        note: `the slave ended ${slave.ended} sessions and trusts whom it trusted before`,
      }
    },
  },
]
