// A secret from whoever runs a command: typed twice at a terminal, without echo, or the first line
// of standard input when that is a pipe or a file.

import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { decodeText } from '../../../shared/documents/text.ts'
import { FaultError } from '../../../shared/node/fault-error.ts'

/** Longest line read: far more than a password may have. */
const BYTES_MAX = 4_096

/** OPS-12 when nothing comes, it is not UTF-8, or the two differ. */
export async function askSecret(what: string): Promise<string> {
  const secret = process.stdin.isTTY ? await typedTwice(what) : await firstLine(what)
  // A terminal that is not UTF-8 makes the same character of many: another password than was typed.
  if (!secret.includes('\uFFFD')) return secret
  throw new FaultError('OPS-12', `${what.toLowerCase()}: not UTF-8`)
}

async function typedTwice(what: string): Promise<string> {
  const once = await typed(`${what}: `)
  if ((await typed(`${what} again: `)) === once) return once
  throw new FaultError('OPS-12', `${what.toLowerCase()}: the two differ`)
}

async function firstLine(what: string): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of process.stdin) {
    const piece = Buffer.from(part)
    parts.push(piece)
    bytes += piece.length
    if (piece.includes('\n') || bytes > BYTES_MAX) break
  }
  const decoded = decodeText(Buffer.concat(parts))
  if (!decoded.ok) throw new FaultError('OPS-12', `${what.toLowerCase()}: not UTF-8`)
  const [line = ''] = decoded.text.split(/\r?\n/)
  if (line === '') throw new FaultError('OPS-12', `no ${what.toLowerCase()} on standard input`)
  return line
}

/** A line as it is typed at a terminal. Nothing is echoed: readline writes into the void. */
function typed(prompt: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true })
  process.stderr.write(prompt)
  return new Promise((resolve, reject) => {
    const end = (): void => {
      terminal.close()
      process.stderr.write('\n')
    }
    terminal.once('line', (line) => {
      end()
      resolve(line)
    })
    terminal.once('SIGINT', () => {
      end()
      reject(new FaultError('OPS-12', 'interrupted'))
    })
  })
}
