// Plain JavaScript on purpose: this runs before we know which Node we are on.

/** Oldest Node we run on: Temporal, crypto.argon2 and raw ML-KEM keys came with it. */
const NODE_MAJOR_MIN = 26

/** Ends the process with a clear text when this Node is too old. */
export function requireNode() {
  const major = Number(process.versions.node.split('.')[0])
  if (major >= NODE_MAJOR_MIN) return
  console.error(
    `OPS-01 Ticklock needs Node ${NODE_MAJOR_MIN} or newer; this is Node ${process.versions.node}.\n` +
      'On Linux and Windows "npm ci" brings it along: use "npm start", "npm test" or\n' +
      '"npm run ticklock -- COMMAND". On macOS install Node 26 from nodejs.org.',
  )
  process.exit(1)
}
