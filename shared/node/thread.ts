// Worker threads: all are started the same way and end within a known time.

import { Worker, type WorkerOptions } from 'node:worker_threads'

/** Runs the module `url` in a thread; it reads `workerData`. `limits`: what it may not have. */
export const startThread = (
  url: URL,
  workerData: unknown,
  limits: Pick<WorkerOptions, 'env' | 'resourceLimits'> = {},
): Worker =>
  // Threads do not inherit the options of the process: --input-type would stop them.
  new Worker(url, { ...limits, workerData, execArgv: [] })

/** Asks a thread to end with `message` and waits until it has; stops it after `msMax`
 * milliseconds. */
export async function endThread(worker: Worker, message: unknown, msMax: number): Promise<void> {
  // Not events.once: the code that started the thread reports its errors, and the exit follows.
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  worker.postMessage(message, [])
  const late = setTimeout(() => void worker.terminate(), msMax)
  await ended
  clearTimeout(late)
}
