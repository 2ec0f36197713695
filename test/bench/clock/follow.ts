// Our side of the live comparison: follows the server at the port given, one question a second, and
// prints each second how far its estimate is from the system's clock, microseconds. The server
// hands out that same clock, so this is its error. It is a process of its own, as chronyd is.

import { Follower } from '../../e2e/time-follower.ts'

const TELL_MS = 1_000

const follower = new Follower({ port: Number(process.argv[2]) })
setInterval(() => {
  const error = follower.errorUs()
  if (error !== null) console.log(error)
  for (const fault of follower.faults.splice(0)) console.error(fault)
}, TELL_MS)
