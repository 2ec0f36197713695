// The link in a thread of its own. The agent's thread stands still while a transaction reaches the
// disk, 50 ms on a bad card, and would take its time stamps that late; the thread that owns the
// socket has nothing else to do (docs/clock.md, Stamps). This is the agent's side: the same link,
// by way of messages.

import type { Worker } from 'node:worker_threads'
import type { FaultCode } from '../../../../shared/faults.ts'
import { errorText, FaultError } from '../../../../shared/node/fault-error.ts'
import { endThread, startThread } from '../../../../shared/node/thread.ts'
import { type MonoUs, type SpanUs, shiftMono, spanUs } from '../../../../shared/units.ts'
import { type LinkHandlers, WAITING_BYTES_MAX } from './link.ts'
import type { LinkAddress } from './address.ts'
import { costOf, counter, type FromLink, type LinkThreadData, type ToLink } from './messages.ts'

/** How long the link may take to send what waits and end, milliseconds: more than a peer gets. */
const CLOSE_MS_MAX = 4_000

export interface LinkThreadOptions {
  readonly idleMs?: number
  /** How far this thread's monotonic clock is ahead of the machine's: the demo makes it jump. */
  readonly ahead?: () => SpanUs
}

export class LinkThread {
  readonly #handlers: LinkHandlers
  readonly #ahead: () => SpanUs
  readonly #worker: Worker
  /** The connection that is up and was not dropped. */
  #link: number | null = null
  /** Bytes given to the thread that it has not processed. */
  #waiting = 0
  readonly #taken = counter((bytes) => this.#post({ do: 'taken', bytes }))
  #closed: Promise<void> | null = null

  constructor(address: LinkAddress, handlers: LinkHandlers, options: LinkThreadOptions) {
    this.#handlers = handlers
    this.#ahead = options.ahead ?? (() => spanUs(0))
    const workerData: LinkThreadData = { address, idleMs: options.idleMs }
    this.#worker = startThread(new URL('./worker.js', import.meta.url), workerData)
    this.#worker.on('message', (message: FromLink) => this.#take(message))
    let trouble = ''
    this.#worker.on('error', (error) => {
      trouble = errorText(error)
    })
    // A bug, or memory used up: the process ends, and its supervisor restarts it. What was stored
    // stays stored.
    this.#worker.on('exit', (code) => {
      if (this.#closed === null) throw new FaultError('OPS-25', trouble || `exit code ${code}`)
    })
  }

  /** False when the link is down, or is dropped now because even its thread does not keep up
   * (WIR-08). With `made`, the handlers hear when the body left. */
  send(body: Uint8Array, made: MonoUs | null = null): boolean {
    if (this.#link === null) return false
    if (this.#waiting > WAITING_BYTES_MAX) {
      this.drop('WIR-08', `${this.#waiting} bytes wait for the link's thread`)
      return false
    }
    this.#waiting += costOf(body)
    // A copy of just these bytes: the agent may keep what it sends, and transferring a part of a
    // larger buffer would take all of it away.
    const own = body.slice()
    this.#post({ do: 'send', link: this.#link, body: own, made }, [own.buffer])
    return true
  }

  /** Ends the current connection; the next thing it reports is `onDown`. */
  drop(fault: FaultCode | null, detail: string): void {
    if (this.#link === null) return
    this.#post({ do: 'drop', link: this.#link, fault, detail })
    this.#link = null
  }

  /** Ends the link for good, once what waits has been sent. Nothing comes from it afterwards. */
  close(): Promise<void> {
    const message: ToLink = { do: 'close' }
    this.#closed ??= endThread(this.#worker, message, CLOSE_MS_MAX)
    return this.#closed
  }

  #post(message: ToLink, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer)
  }

  #take(message: FromLink): void {
    if (this.#closed !== null) return
    switch (message.on) {
      case 'up':
        this.#link = message.link
        this.#handlers.onUp()
        return
      case 'down':
        this.#link = null
        this.#handlers.onDown(message.fault, message.detail)
        return
      case 'unreachable':
        this.#handlers.onUnreachable(message.detail)
        return
      case 'body':
        if (message.link === this.#link) {
          this.#handlers.onBody(message.body, shiftMono(message.at, this.#ahead()))
        }
        this.#taken(message.body)
        return
      case 'sent':
        this.#handlers.onSent(message.made, shiftMono(message.at, this.#ahead()))
        return
      case 'taken':
        this.#waiting -= message.bytes
        return
    }
  }
}

export const openLinkThread = (
  address: LinkAddress,
  handlers: LinkHandlers,
  options: LinkThreadOptions = {},
): LinkThread => new LinkThread(address, handlers, options)
