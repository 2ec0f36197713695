// In which order the test runner starts files, and which files need a quiet machine.
//
// Two lanes run beside each other. The longest file starts first, so that none is left over at the
// end that everything waits for. The seconds are rough, measured on two cores; a new file need not
// be entered here.

/** Seconds of the files that take longest, by their path below the folder of tests. */
const SECONDS = {}

/** Seconds of a file without an entry. */
const SECONDS_OTHERWISE = 8

/** Files that compare clocks to within milliseconds or expect an answer within a second. They run
 * beside each other (all of them mostly sleep) and beside the shared processes, which never use
 * more than one of two cores; never beside another end-to-end file, which may use every core. */
const CALM = {
  'e2e/head-time.test.js': 'answers must arrive within half a second',
  'e2e/link-thread.test.js': 'a question is stamped to within milliseconds of its departure',
  'e2e/time-clients.test.js': 'the offset that clients measure must stay below 50 ms',
  'e2e/time-liars.test.js': 'the error of the clock is compared with its bound every 20 ms',
  'e2e/time-peers.test.js': 'the bound of an exchange must stay below 50 ms',
  'e2e/time-upstream.test.js': 'a second passes in 4 ms there',
}

/** A file's path below the folder of tests. */
const below = (file) => file.replaceAll('\\', '/').replace(/^.*?(?=e2e\/)/, '')

export const isCalm = (file) => below(file) in CALM

/** Longest first, equal ones by name. */
export const longestFirst = (files) =>
  files.toSorted((a, b) => secondsOf(b) - secondsOf(a) || (a < b ? -1 : 1))

const secondsOf = (file) => SECONDS[below(file)] ?? SECONDS_OTHERWISE
