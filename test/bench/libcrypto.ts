// What libcrypto itself reaches in `openssl speed`: the ceiling for any program that seals with it.

import { spawnSync } from 'node:child_process'

/** Bytes per second of AES-256-GCM in pieces of `bytes`, one direction, one second long; null where
 * there is no openssl. */
function throughput(bytes: number, direction: readonly string[]): number | null {
  const what = ['speed', '-mr', '-seconds', '1', '-bytes', `${bytes}`, '-evp', 'aes-256-gcm']
  const { stdout, error } = spawnSync('openssl', [...what, ...direction], { encoding: 'utf8' })
  if (error !== undefined) return null
  // +F:number:name:bytes per second
  const said = /^\+F:\d+:[^:]+:([\d.]+)$/m.exec(stdout)?.[1]
  return said === undefined ? null : Number(said)
}

/** Bytes per second of sealing and opening, one after the other. */
export function libcryptoSealOpen(bytes: number): number | null {
  const seal = throughput(bytes, [])
  const open = throughput(bytes, ['-decrypt'])
  return seal === null || open === null ? null : 1 / (1 / seal + 1 / open)
}
