// The floors of docs/architecture.md as one function: may this file import that one?

import { posix } from 'node:path'
import { roomOf, roomRefusal } from './domains.ts'

interface Place {
  /** 0..4 from the foundation up; 1.5 is shared/node; 5 is the tests. */
  readonly floor: number
  /** slave, master, billing or simulator; '' for what belongs to none. */
  readonly service: string
}

const FOUNDATION = /^shared\/(?:units|bytes|faults|link-faults|bill-faults|assert|secret)\.ts$/
/** Shared pure code may lean on these packages, which are pure as well. */
const isPurePackage = (name: string): boolean => name.startsWith('@noble/')
/** Runs in the browser: bundled by esbuild, not compiled with the rest. */
const isIsland = (path: string): boolean => path.startsWith('services/billing/kit/islands/')

/** Where a file stands; null when the house has no such room. */
export function placeOf(path: string): Place | null {
  if (FOUNDATION.test(path)) return { floor: 0, service: '' }
  if (path.startsWith('shared/node/')) return { floor: 1.5, service: '' }
  if (/^shared\/[^/]+\//.test(path)) return { floor: 1, service: '' }
  if (path.startsWith('test/')) return { floor: 5, service: '' }
  // The demo and the attacker wire everything, as the command line does.
  if (path === 'services/simulator/main.ts') return { floor: 4, service: '' }
  if (path.startsWith('services/adversary/')) return { floor: 4, service: '' }
  if (path.startsWith('services/simulator/')) return { floor: 3, service: 'simulator' }
  if (/^services\/(?:commands\/|[^/]+\.ts$)/.test(path)) return { floor: 4, service: '' }
  const room = roomOf(path)
  if (room !== null) return { floor: room.layer === 'core' ? 2 : 3, service: 'billing' }
  const [, service, corner] = /^services\/(slave|master|billing)\/([^/]+)/.exec(path) ?? []
  if (service === undefined) return null
  if (corner === 'core' && service !== 'billing') return { floor: 2, service }
  if (corner === 'main.ts') return { floor: 4, service }
  return corner === 'shell' && service !== 'billing' ? { floor: 3, service } : null
}

/** Floors 0 to 2: time, randomness and the outside world are passed in. */
export const isPure = (path: string): boolean => [0, 1, 2].includes(placeOf(path)?.floor ?? -1)

/** Why `path` may not import `from`, or '' when it may. */
export function refusal(path: string, from: string): string {
  const here = placeOf(path)
  if (here === null) return 'lies in no room of the house'
  if (!from.startsWith('.')) return packageRefusal(path, here, from)
  const target = posix.normalize(posix.join(posix.dirname(path), from))
  const there = placeOf(target)
  if (there === null) {
    return here.floor === 5 ? '' : `imports ${target}, which is in no room of the house`
  }
  if (!/\.tsx?$/.test(from)) return `imports ${from} without its ending`
  if (there.floor > here.floor)
    return `floor ${here.floor} imports ${target} of floor ${there.floor}`
  if (isIsland(path) && !isIsland(target) && there.floor > 1) {
    return `runs in the browser and imports ${target}`
  }
  if (sideways(here, there)) return `${here.service} imports ${target} of ${there.service}`
  const [ours, theirs] = [roomOf(path), roomOf(target)]
  return ours === null || theirs === null ? '' : roomRefusal(ours, theirs)
}

/** The simulator may import every core; the command line and the tests everything. */
const sideways = (here: Place, there: Place): boolean =>
  here.service !== '' &&
  there.service !== '' &&
  here.service !== there.service &&
  !(here.service === 'simulator' && there.floor === 2)

function packageRefusal(path: string, here: Place, from: string): string {
  if (isIsland(path)) return from.startsWith('preact') ? '' : `the browser has no ${from}`
  if (here.floor === 0) return `floor 0 imports ${from}`
  if (here.floor <= 2 && here.floor !== 1.5 && !isPurePackage(from)) {
    return `floor ${here.floor} imports ${from}`
  }
  return ''
}
