// Who may change what. The agent's state is one value of readonly parts; everybody reads all of it.
// Each part is changed by one room alone, which asks for its writable view: `own(turn.state.link)`
// stands in files of `link/` and nowhere else. All others ask the owner by a named function.
//
// One object changed in place and not a copy for each step: a run's row changes with every
// acknowledgement, and copying its map each time is what a slave with a year's outage would do all
// day long.

import type { AgentState } from './agent-state.ts'

/** The room, or the file beside the rooms, that changes each part. test/unit/slave checks it. */
export const OWNER_OF: Readonly<Record<keyof AgentState, string>> = {
  sealing: 'capture/',
  capture: 'capture/',
  outgoing: 'outgoing/',
  link: 'link/',
  clock: 'timekeeping.ts',
  meterClocks: 'meter-clocks/',
  commands: 'commands.ts',
  jobs: 'queue.ts',
  faults: 'turn.ts',
}

/** What only its owner sees of `T`: fields that can be set, collections that can be changed. Of
 * values inside a collection, `own` is asked again. */
export type Owned<T> = { -readonly [Key in keyof T]: Writable<T[Key]> }

type Writable<V> =
  V extends ReadonlyMap<infer Key, infer Value>
    ? Map<Key, Value>
    : V extends ReadonlySet<infer Member>
      ? Set<Member>
      : V extends readonly (infer Element)[]
        ? Element[]
        : V

/** The same object, as its owner sees it. */
export function own<T extends object>(part: T): Owned<T>
export function own(part: object): object {
  return part
}
