// Preloaded into every test process (tools/test.js). When the last test is over the process must end by
// itself; if it does not, a server, socket, timer or child process was left open: say which kind, and end.
import { after } from 'node:test'

/** Time for the last sockets and files to close, milliseconds. */
const GRACE_MS = 3_000

after(() => {
  setTimeout(() => {
    const kinds = process.getActiveResourcesInfo().filter((kind) => !OWN.has(kind))
    process.stdout.write(`\nLEFT OPEN ${kinds.join(', ') || 'something without a name'}\n`)
    // The runner prints its summary on the way out.
    process.kill(process.pid, 'SIGTERM')
  }, GRACE_MS).unref()
})

/** Our own standard output and error. */
const OWN = new Set(['PipeWrap', 'TTYWrap', 'Immediate', 'FSReqCallback'])
