import { type ArchiveEntry, type ReadEntry, withContent } from './archive.js'

/**
 * A tar file as a stream (POSIX.1-2001, with `pax` headers where a name or a size does not fit into the old fields). Its
 * length is known beforehand, and it can be had from any byte on.
 */

const BLOCK = 512
/** The old field has eleven octal digits. */
const MAX_OCTAL = 8 ** 11
const END = Buffer.alloc(2 * BLOCK)

/** Bytes of the whole tar file. */
export async function tarLength(entries: AsyncIterable<ArchiveEntry>): Promise<number> {
  let length = END.length
  for await (const entry of entries) length += headers(entry).length + padded(entry.bytes)
  return length
}

/** The tar file from byte `from` on. What lies before it is not read. */
export async function* tar(entries: AsyncIterable<ArchiveEntry>, read: ReadEntry, from = 0): AsyncGenerator<Buffer> {
  let at = 0
  // A piece of the file that begins at `at`, as far as it is asked for.
  const rest = (piece: Buffer): Buffer => {
    const skipped = Math.min(piece.length, Math.max(0, from - at))
    at += piece.length
    return skipped === 0 ? piece : piece.subarray(skipped)
  }
  const wanted = async function* (): AsyncGenerator<ArchiveEntry> {
    let end = 0
    for await (const entry of entries) {
      const begin = end
      end += headers(entry).length + padded(entry.bytes)
      if (end <= from) at = end
      else {
        if (begin <= from) at = begin
        yield entry
      }
    }
  }
  for await (const { entry, small } of withContent(wanted(), read)) {
    yield rest(headers(entry))
    if (small) yield rest(small)
    else {
      const skipped = Math.min(entry.bytes, Math.max(0, from - at))
      at += skipped
      for await (const chunk of read(entry, skipped)) yield rest(chunk)
    }
    yield rest(Buffer.alloc(padded(entry.bytes) - entry.bytes))
  }
  yield rest(END)
}

function padded(bytes: number): number {
  return Math.ceil(bytes / BLOCK) * BLOCK
}

function headers(entry: ArchiveEntry): Buffer {
  const name = Buffer.from(entry.name)
  const records: string[] = []
  if (name.length > 100 || /[^\x20-\x7e]/.test(entry.name)) records.push(record('path', entry.name))
  if (entry.bytes >= MAX_OCTAL) records.push(record('size', String(entry.bytes)))
  const folder = entry.name.endsWith('/')
  const mode = folder || entry.executable ? 0o755 : 0o644
  const seconds = Math.floor((entry.modified ?? 0) / 1000)
  const mtime = seconds > 0 && seconds < MAX_OCTAL ? seconds : 0
  const size = entry.bytes < MAX_OCTAL ? entry.bytes : 0
  const own = header({ name, mode, size, mtime, type: folder ? '5' : '0' })
  if (records.length === 0) return own
  const extended = Buffer.from(records.join(''))
  const padding = Buffer.alloc(padded(extended.length) - extended.length)
  const before = header({ name: Buffer.from('PaxHeader'), mode: 0o644, size: extended.length, mtime, type: 'x' })
  return Buffer.concat([before, extended, padding, own])
}

interface Header {
  name: Buffer
  mode: number
  size: number
  mtime: number
  type: string
}

function header({ name, mode, size, mtime, type }: Header): Buffer {
  const block = Buffer.alloc(BLOCK)
  name.copy(block, 0, 0, 100)
  block.write(octal(mode, 7), 100)
  block.write(octal(0, 7), 108)
  block.write(octal(0, 7), 116)
  block.write(octal(size, 11), 124)
  block.write(octal(mtime, 11), 136)
  block.write(' '.repeat(8), 148)
  block.write(type, 156)
  block.write('ustar\x0000', 257, 'latin1')
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${octal(sum, 6)}\0 `, 148)
  return block
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}

/** `<length> <key>=<value>\n`, where the length counts itself. */
function record(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`)
  let length = rest + String(rest).length
  if (String(length).length !== String(rest).length) length = rest + String(length).length
  return `${length} ${key}=${value}\n`
}
