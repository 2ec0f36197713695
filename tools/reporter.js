// The reporter of our test processes: node's own (spec), followed by the time that the tests of
// each file took. The runner cannot measure that itself for files that share a process.
import { spec as Spec } from 'node:test/reporters'

/** Called with `new`; returns node's reporter itself, which also notes each test and adds our lines
 * at its end. A second stream behind it would be cut short when the process is ended because
 * something was left open. */
export default function Reporter() {
  const stream = new Spec()
  const { _transform: transform, _flush: flush } = stream
  const seconds = new Map()
  stream._transform = function (event, encoding, done) {
    note(event, seconds)
    transform.call(this, event, encoding, done)
  }
  stream._flush = function (done) {
    for (const [file, total] of seconds) this.push(`FILE ${total.toFixed(3)} ${file}\n`)
    flush.call(this, done)
  }
  return stream
}

function note({ type, data }, seconds) {
  if ((type !== 'test:pass' && type !== 'test:fail') || data.nesting > 0) return
  const file = data.file ?? ''
  seconds.set(file, (seconds.get(file) ?? 0) + data.details.duration_ms / 1_000)
}
