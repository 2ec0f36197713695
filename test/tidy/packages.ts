// Dependencies: pinned, proven, free.

/** Licences that let anybody run, change and sell what contains them; OFL-1.1 is for fonts. */
const FREE = new Set([
  'MIT',
  'MIT-0',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'Apache-2.0',
  'PostgreSQL',
  'OFL-1.1',
])

/** Judges an SPDX expression without nested brackets: every part of an AND, one part of an OR. */
export function isFree(licence: string | undefined): boolean {
  if (licence === undefined) return false
  return licence
    .replace(/[()]/g, '')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((part) => FREE.has(part.trim())))
}

type Versions = Readonly<Record<string, string>>

/** Dependencies whose version is a range: `name range`. */
export function unpinned(pack: {
  readonly dependencies?: Versions
  readonly optionalDependencies?: Versions
  readonly devDependencies?: Versions
}): readonly string[] {
  const all = { ...pack.dependencies, ...pack.optionalDependencies, ...pack.devDependencies }
  return Object.entries(all)
    .filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))
    .map(([name, version]) => `${name} ${version}`)
}

interface LockEntry {
  readonly integrity?: string
  readonly resolved?: string
  readonly optionalDependencies?: Versions
}

/** Packages without a checksum, bound to one registry (a mirror must do as well), or named by
 * another and absent, which `npm ci` refuses. Binaries for other platforms count too: without a
 * checksum their registry decides what runs there. */
export function lockBreaches(lock: {
  readonly packages: Readonly<Record<string, LockEntry>>
}): readonly string[] {
  const isThere = (path: string, name: string) =>
    lock.packages[`${path}/node_modules/${name}`] !== undefined ||
    lock.packages[`node_modules/${name}`] !== undefined
  return Object.entries(lock.packages)
    .filter(([path]) => path !== '')
    .flatMap(([path, { integrity, resolved, optionalDependencies = {} }]) => [
      ...(integrity?.startsWith('sha512-') === true ? [] : [`${path}: no integrity`]),
      ...(resolved === undefined ? [] : [`${path}: a host`]),
      ...Object.keys(optionalDependencies)
        .filter((name) => !isThere(path, name))
        .map((name) => `${path}: ${name} is absent`),
    ])
}
