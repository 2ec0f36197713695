// Threads of our own beside the main one: started alike, and ended within a known time.

import { Worker } from 'node:worker_threads'

/** Runs the module `url`, which finds `workerData`. */
export const startThread = (url: URL, workerData: unknown): Worker =>
  // What the process was started with is not for its threads: --input-type would stop them.
  new Worker(url, { workerData, execArgv: [] })

/** Tells a thread to end by `message` and waits until it did; after `msMax` milliseconds it is
 * stopped. */
export async function endThread(worker: Worker, message: unknown, msMax: number): Promise<void> {
  // Not by events.once: an error on the way is told by who started it, and the end follows.
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  worker.postMessage(message, [])
  const late = setTimeout(() => void worker.terminate(), msMax)
  await ended
  clearTimeout(late)
}
