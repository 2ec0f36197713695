// Preloaded into every test process (tools/test.js). After its last test the process must end by
// itself; if it does not, a server, socket, timer or child process was left open: this prints which
// kinds, and ends the process.
import { after } from 'node:test'

/** Time for the files' own `after` hooks, which run after this one, and for their last sockets.
 * Closing a PostgreSQL takes seconds on a busy machine. */
const GRACE_MS = Number(process.env.TICKLOCK_GRACE_MS ?? 20_000)

after(() => {
  setTimeout(() => {
    const kinds = process.getActiveResourcesInfo()
    process.stdout.write(`\nLEFT OPEN ${kinds.join(', ') || 'something without a name'}\n`)
    // The runner prints its summary on the way out.
    process.kill(process.pid, 'SIGTERM')
  }, GRACE_MS).unref()
})
