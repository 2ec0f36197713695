// In which order the test runner starts files, and which files need a quiet machine.
//
// Two lanes run side by side. The longest file starts first, so that no long one is left to run
// alone at the end. The seconds are rough, measured on two cores; a new file need not be entered.

/** Seconds of the files that take longest, by their path below the folder of tests. */
const SECONDS = {
  'e2e/kill.test.js': 50,
  'e2e/behind-proxy.test.js': 30,
  'e2e/replay.test.js': 27,
  'e2e/commands.test.js': 25,
  'e2e/time-peers.test.js': 25,
  'e2e/web.test.js': 23,
  'e2e/hostile-web.test.js': 20,
  'e2e/demo.test.js': 22,
  'e2e/outage.test.js': 22,
  'e2e/head-time.test.js': 18,
  'e2e/theft.test.js': 16,
  'e2e/upset.test.js': 16,
  'e2e/strangers.test.js': 15,
  'e2e/operators.test.js': 13,
  'e2e/readings.test.js': 12,
  'e2e/embedded-postgres.test.js': 11,
  'e2e/cli.test.js': 10,
  'e2e/meter-clocks.test.js': 10,
  'e2e/time-clients.test.js': 10,
  'e2e/master-keys.test.js': 9,
  'e2e/attack.test.js': 8,
  'e2e/keys-cli.test.js': 8,
  'e2e/slave.test.js': 8,
  'e2e/captures.test.js': 7,
  'e2e/clock-cli.test.js': 7,
}

/** Seconds of a file without an entry. */
const SECONDS_OTHERWISE = 4

/** Files that compare clocks to within milliseconds or expect an answer within a second, and why.
 * They run beside each other (all of them mostly sleep) and beside the shared processes, which
 * never use more than one of two cores; never beside another end-to-end file, which may use both. */
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
