// What must happen in some world. A rule that always holds proves little where nothing ever tried
// it, so the worlds count what they have seen ("sometimes assertions": FoundationDB and Antithesis
// call them so). A large set of seeds that never reaches one of these fails and names it.

/** One sentence each: what happened. */
export const SOMETIMES = {
  // The slave and its disk.
  'disk filled': 'A disk was full and a frame did not fit.',
  'outbox filled': 'An outbox reached its limit and took no more frames.',
  'disk rotted': 'A stored frame came back damaged, or not at all.',
  'disk set back': 'A disk was set back to an earlier copy, as when a snapshot is restored.',
  'seal spoilt': 'A bit flipped in memory while a frame was sealed: nobody can open it.',
  'process killed': 'A process died, perhaps between two actions of one step.',
  slept: 'A machine was suspended and woke up.',
  'run left': 'A process left its run and went on in another one.',
  'wall clock wrong': 'A process started with a wall clock that was wrong by more than a minute.',
  // The line.
  partitioned: 'No slave could reach the master for a while.',
  'replay refused': 'The master refused a recorded message that was played to it again.',
  'compact header': 'A frame went with the compact header.',
  // Frames that cannot come.
  'tombstone sent': 'The ledger took a tombstone.',
  'run given up': 'A tombstone covered a whole run, its opener included.',
  'frames forgotten': 'A tombstone stood for frames that the slave had forgotten after a week.',
  'skip sent': 'The ledger took a frame that is whole and that nobody can open.',
  'opener skipped': 'The frame skipped was an opener: the run is left.',
  // Sessions, epochs and keys.
  'epoch renewed': 'A good link was left for one with a new epoch.',
  'epoch healed': 'Frames of an epoch begun after a theft stayed shut for the thief.',
  'memory stolen': 'A memory image was searched for the keys of frames sealed before.',
  'loot opened': 'A stolen tree opened later frames of its own epoch, as it must.',
  'epoch drained': 'A slave said that an epoch is drained, and the master set it aside.',
  'double called': 'Who copied a disk called in the name of its slave.',
  'drained epoch back': 'An epoch that a thief had called drained was needed by its true slave.',
  'enrolled again': 'A slave enrolled again with its own token, since an answer was lost.',
  'burnt token tried': 'Somebody else enrolled with a token that was burnt, and was refused.',
  'device revoked': 'A device was revoked while it was in use.',
  'master key rotated': 'Every device went over to a new master key, and the old one was given up.',
  'session robbed': 'A thief took the keys of a live session and spoke in it.',
  'certificate refused': 'A lasting message was refused, since its certificate did not fit.',
  'fork invented': 'A thief said that the master has another history, and was not believed.',
  'fork found': 'A slave found that the master holds another history of a run.',
  // The ledger.
  'given again': 'The ledger was given a frame that it held already, and kept one.',
  'ledger unsure': 'A statement took effect, and nobody learned that it did.',
  'ledger set back': 'The ledger was restored from a backup.',
  'epoch lost': 'A backup knew nothing of an epoch in which frames had been sealed.',
  'sent again': 'Frames that the restored ledger lacked came again.',
  'resumed after a week': 'A slave went on after a week without power.',
  // Clocks.
  'frame late': 'A frame was opened long after its second.',
  'frame ahead': 'A frame was refused because its second was still to come.',
  retimed: 'An anchor dated a reading that was taken while the clock was unsure.',
  'leap second': 'A leap second was inserted while a slave was running.',
  'leap second noticed': 'A slave noticed that the master had moved by a second.',
  'meter corrected': 'A meter’s clock was corrected.',
  'master unsynchronised': 'The master stated that it did not know the time.',
  // Commands.
  'command done': 'A command was executed.',
  'command expired': 'A command was refused because it had expired.',
  'command refused': 'A command was refused because the meter is not known.',
  'command unknown': 'Nobody knows whether a command was executed.',
  // Bills.
  'bill checked': 'A bill equalled the one computed from what the meter truly counted.',
  'bill withheld': 'No bill was made, because a reading it needs was given up.',
} as const

export type Sometimes = keyof typeof SOMETIMES

/** How often each was seen. */
export type Sightings = ReadonlyMap<Sometimes, number>

export const isSometimes = (name: string): name is Sometimes => Object.hasOwn(SOMETIMES, name)

const NAMES: readonly Sometimes[] = Object.keys(SOMETIMES).filter(isSometimes)

/** Runs of fewer worlds need not reach everything. */
export const WORLDS_THAT_REACH_ALL = 200

/** What `seen` never reached. */
export const neverSeen = (seen: Sightings): readonly Sometimes[] =>
  NAMES.filter((name) => (seen.get(name) ?? 0) === 0)

/** Adds up what the worlds saw: how often, and in how many of them. */
export function sum(worlds: readonly Sightings[]): {
  readonly times: Sightings
  readonly worlds: Sightings
} {
  const times = new Map<Sometimes, number>()
  const places = new Map<Sometimes, number>()
  for (const world of worlds) {
    for (const [name, count] of world) {
      times.set(name, (times.get(name) ?? 0) + count)
      places.set(name, (places.get(name) ?? 0) + 1)
    }
  }
  return { times, worlds: places }
}

/** The table that a run prints, one line each. */
export function table(worlds: readonly Sightings[]): readonly string[] {
  const found = sum(worlds)
  return NAMES.map((name) => {
    const times = `${found.times.get(name) ?? 0}`.padStart(9)
    const places = `${found.worlds.get(name) ?? 0}`.padStart(4)
    return `${times} times in ${places} worlds  ${name.padEnd(22)} ${SOMETIMES[name]}`
  })
}
