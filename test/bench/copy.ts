// COPY FROM STDIN over pg, which has the messages but no such query: the database's own fastest way
// to take rows from outside.

import type { Client, Connection } from 'pg'

/** Bytes of one CopyData message: what the server takes at once (psql sends 64 KiB too). */
const CHUNK_BYTES = 65_536

interface CopyConnection extends Connection {
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
}

/** Copies `bytes`, in COPY's text form, into a table: everything in one transaction. */
export function copyIn(client: Client, table: string, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    let failed: Error | null = null
    const copy = {
      submit: (connection: Connection & { query(text: string): void }) =>
        connection.query(`copy ${table} from stdin`),
      handleCopyInResponse: (connection: CopyConnection) => {
        for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
          connection.sendCopyFromChunk(bytes.subarray(at, at + CHUNK_BYTES))
        }
        connection.endCopyFrom()
      },
      handleCommandComplete: () => {},
      handleError: (error: Error) => {
        failed = error
        reject(error)
      },
      handleReadyForQuery: () => {
        if (failed === null) resolve()
      },
    }
    client.query(copy)
  })
}
