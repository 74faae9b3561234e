import { Writable } from 'node:stream'
import type { OutputStream } from '../../src/cli/ui/output.js'

/** An output stream that remembers what was written; optionally it claims to be a terminal. */
export class MemoryStream extends Writable implements OutputStream {
  text = ''
  isTTY?: boolean
  columns?: number

  constructor(terminal?: { columns: number }) {
    super({ decodeStrings: false })
    if (!terminal) return
    this.isTTY = true
    this.columns = terminal.columns
  }

  override _write(chunk: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString()
    done()
  }

  get lines(): string[] {
    return this.text.split('\n').slice(0, -1)
  }

  get objects(): Record<string, unknown>[] {
    return this.lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  }
}

/** A stream whose reader has left: every write fails with the given code. */
export class BrokenStream extends Writable implements OutputStream {
  writes = 0

  constructor(readonly code: string) {
    super()
  }

  override _write(_chunk: unknown, _encoding: BufferEncoding, done: (error: Error) => void): void {
    this.writes++
    done(Object.assign(new Error(`write ${this.code}`), { code: this.code }))
  }
}
