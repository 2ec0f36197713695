// What the threat model claims names what would fail if it were false: a test, a line of
// `ticklock attack`, the simulator or a bench. "stated" is for what an attacker can do, and for
// that alone.

/** What a claim may be tested by. */
export interface Known {
  /** `unit/master/gate`: a test, or what tests share. */
  readonly isTest: (path: string) => boolean
  readonly attacks: ReadonlySet<string>
}

const CLAIM = 2
const TESTED_BY = 3

/** Claims of the table that nothing would show to be false, each with what is wrong. */
export function untestedClaims(text: string, known: Known): readonly string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    .filter((cells) => cells.length === 4 && cells[TESTED_BY] !== 'tested by')
    .flatMap((cells) =>
      problemsOf(cells, known).map((problem) => `${(cells[0] ?? '').slice(0, 60)}: ${problem}`),
    )
}

function problemsOf(cells: readonly string[], known: Known): readonly string[] {
  const groups = (cells[TESTED_BY] ?? '')
    .replaceAll(/\([^)]*\)/g, '')
    .split(';')
    .flatMap(namesOf)
  const unknown = groups.filter((name) => !isKnown(name, known)).map((name) => `unknown ${name}`)
  const onlyStated = groups.every((name) => name.startsWith('stated'))
  const admits = /^can\b/.test(cells[CLAIM] ?? '')
  return onlyStated && !admits ? [...unknown, 'a claim that is only stated'] : unknown
}

/** `attack: a, b` names attacks, anything else tests; one name each. */
function namesOf(group: string): readonly string[] {
  const [, attacks] = /^\s*attack: (.*)$/.exec(group) ?? []
  const names = (attacks ?? group).split(',').map((name) => name.trim())
  return attacks === undefined ? mixed(names) : names.map((name) => `attack: ${name}`)
}

/** In `e2e/theft, attack: stolen database` what follows `attack:` names attacks up to a name with a
 * slash, or `sim`. */
function mixed(names: readonly string[]): readonly string[] {
  const found: string[] = []
  let attacks = false
  for (const name of names) {
    if (name.startsWith('attack: ')) attacks = true
    else if (name.includes('/') || name === 'sim') attacks = false
    found.push(attacks && !name.startsWith('attack: ') ? `attack: ${name}` : name)
  }
  return found
}

function isKnown(name: string, { isTest, attacks }: Known): boolean {
  if (name === 'sim' || name.startsWith('bench ')) return true
  // `the full outbox: stated`: a part that is admitted beside what is tested.
  if (name.startsWith('stated') || name.endsWith(': stated')) return true
  if (name.startsWith('attack: ')) return attacks.has(name.slice('attack: '.length))
  return isTest(name)
}
