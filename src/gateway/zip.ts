import { crc32 } from 'node:zlib'
import { type ArchiveEntry, type ReadEntry, withContent } from './archive.js'

/**
 * A zip file as a stream, nothing in it compressed, so that its length is known beforehand (APPNOTE.TXT 6.3.10 of
 * PKWARE). Where something has 4 GiB or more, or there are 65,535 entries or more, the fields of zip64 are used. What is
 * kept in memory is four bytes for each file, its checksum: the directory at the end is made by going through the
 * entries once more.
 */

const LIMIT_32 = 0xffff_ffff
const LIMIT_16 = 0xffff
/** The checksum and the sizes follow the content; names are UTF-8. */
const FLAGS_AFTER = 0x0808
const FLAGS_BEFORE = 0x0800
const VERSION = 20
const VERSION_64 = 45
const UNIX = 3 << 8

/** Bytes of the whole zip file. */
export async function zipLength(entries: AsyncIterable<ArchiveEntry>): Promise<number> {
  let offset = 0
  let directory = 0
  let count = 0
  for await (const entry of entries) {
    directory += directoryRecord(entry, offset, 0).length
    offset += localHeader(entry, null).length + entry.bytes + descriptorLength(entry)
    count++
  }
  return offset + directory + ending(count, offset, directory).length
}

/** The zip file itself. `entries` is asked for twice, and has to yield the same. */
export async function* zip(entries: () => AsyncIterable<ArchiveEntry>, read: ReadEntry): AsyncGenerator<Buffer> {
  let checksums = new Uint32Array(1024)
  let count = 0
  for await (const { entry, small } of withContent(entries(), read)) {
    if (count === checksums.length) {
      const larger = new Uint32Array(count * 2)
      larger.set(checksums)
      checksums = larger
    }
    if (isBefore(entry)) {
      const data = small ?? Buffer.alloc(0)
      const sum = crc32(data)
      checksums[count++] = sum
      yield localHeader(entry, sum)
      if (data.length > 0) yield data
      continue
    }
    yield localHeader(entry, null)
    let sum = 0
    for await (const chunk of read(entry, 0)) {
      sum = crc32(chunk, sum)
      yield chunk
    }
    checksums[count++] = sum
    yield descriptor(entry, sum)
  }
  let offset = 0
  let directory = 0
  let i = 0
  for await (const entry of entries()) {
    const record = directoryRecord(entry, offset, checksums[i++] ?? 0)
    offset += localHeader(entry, null).length + entry.bytes + descriptorLength(entry)
    directory += record.length
    yield record
  }
  yield ending(count, offset, directory)
}

/** Of what is read ahead the checksum is known before it is written: some programs can unpack only that from a stream. */
function isBefore({ bytes }: ArchiveEntry): boolean {
  return bytes <= 256 * 1024
}

function localHeader(entry: ArchiveEntry, sum: number | null): Buffer {
  const name = Buffer.from(entry.name)
  const large = entry.bytes >= LIMIT_32
  const extra = Buffer.concat([large ? extra64([entry.bytes, entry.bytes]) : NOTHING, timeExtra(entry)])
  const head = Buffer.alloc(30)
  head.writeUInt32LE(0x04034b50, 0)
  head.writeUInt16LE(large ? VERSION_64 : VERSION, 4)
  head.writeUInt16LE(isBefore(entry) ? FLAGS_BEFORE : FLAGS_AFTER, 6)
  head.writeUInt32LE(dosTime(entry.modified), 10)
  head.writeUInt32LE(sum ?? 0, 14)
  head.writeUInt32LE(large ? LIMIT_32 : entry.bytes, 18)
  head.writeUInt32LE(large ? LIMIT_32 : entry.bytes, 22)
  head.writeUInt16LE(name.length, 26)
  head.writeUInt16LE(extra.length, 28)
  return Buffer.concat([head, name, extra])
}

function descriptorLength(entry: ArchiveEntry): number {
  if (isBefore(entry)) return 0
  return entry.bytes >= LIMIT_32 ? 24 : 16
}

function descriptor(entry: ArchiveEntry, sum: number): Buffer {
  const bytes = Buffer.alloc(descriptorLength(entry))
  bytes.writeUInt32LE(0x08074b50, 0)
  bytes.writeUInt32LE(sum, 4)
  if (bytes.length === 24) {
    bytes.writeBigUInt64LE(BigInt(entry.bytes), 8)
    bytes.writeBigUInt64LE(BigInt(entry.bytes), 16)
  } else {
    bytes.writeUInt32LE(entry.bytes, 8)
    bytes.writeUInt32LE(entry.bytes, 12)
  }
  return bytes
}

function directoryRecord(entry: ArchiveEntry, offset: number, sum: number): Buffer {
  const name = Buffer.from(entry.name)
  const large = entry.bytes >= LIMIT_32
  const far = offset >= LIMIT_32
  const values = [...(large ? [entry.bytes, entry.bytes] : []), ...(far ? [offset] : [])]
  const extra = Buffer.concat([values.length > 0 ? extra64(values) : NOTHING, timeExtra(entry)])
  const head = Buffer.alloc(46)
  head.writeUInt32LE(0x02014b50, 0)
  head.writeUInt16LE(UNIX | VERSION_64, 4)
  head.writeUInt16LE(large || far ? VERSION_64 : VERSION, 6)
  head.writeUInt16LE(isBefore(entry) ? FLAGS_BEFORE : FLAGS_AFTER, 8)
  head.writeUInt32LE(dosTime(entry.modified), 12)
  head.writeUInt32LE(sum, 16)
  head.writeUInt32LE(large ? LIMIT_32 : entry.bytes, 20)
  head.writeUInt32LE(large ? LIMIT_32 : entry.bytes, 24)
  head.writeUInt16LE(name.length, 28)
  head.writeUInt16LE(extra.length, 30)
  head.writeUInt32LE(attributes(entry), 38)
  head.writeUInt32LE(far ? LIMIT_32 : offset, 42)
  return Buffer.concat([head, name, extra])
}

function ending(count: number, offset: number, directory: number): Buffer {
  const large = count >= LIMIT_16 || offset >= LIMIT_32 || directory >= LIMIT_32
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(Math.min(count, LIMIT_16), 8)
  end.writeUInt16LE(Math.min(count, LIMIT_16), 10)
  end.writeUInt32LE(Math.min(directory, LIMIT_32), 12)
  end.writeUInt32LE(Math.min(offset, LIMIT_32), 16)
  if (!large) return end
  const end64 = Buffer.alloc(56)
  end64.writeUInt32LE(0x06064b50, 0)
  end64.writeBigUInt64LE(44n, 4)
  end64.writeUInt16LE(UNIX | VERSION_64, 12)
  end64.writeUInt16LE(VERSION_64, 14)
  end64.writeBigUInt64LE(BigInt(count), 24)
  end64.writeBigUInt64LE(BigInt(count), 32)
  end64.writeBigUInt64LE(BigInt(directory), 40)
  end64.writeBigUInt64LE(BigInt(offset), 48)
  const locator = Buffer.alloc(20)
  locator.writeUInt32LE(0x07064b50, 0)
  locator.writeBigUInt64LE(BigInt(offset + directory), 8)
  locator.writeUInt32LE(1, 16)
  return Buffer.concat([end64, locator, end])
}

const NOTHING = Buffer.alloc(0)

function extra64(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 + 8 * values.length)
  bytes.writeUInt16LE(0x0001, 0)
  bytes.writeUInt16LE(8 * values.length, 2)
  values.forEach((value, i) => {
    bytes.writeBigUInt64LE(BigInt(value), 4 + 8 * i)
  })
  return bytes
}

/** The time in seconds since 1970, in UTC: the older field has neither zone nor odd seconds. */
function timeExtra({ modified }: ArchiveEntry): Buffer {
  const seconds = modified === null ? Number.NaN : Math.floor(modified / 1000)
  if (!(Math.abs(seconds) < 2 ** 31)) return NOTHING
  const bytes = Buffer.alloc(9)
  bytes.writeUInt16LE(0x5455, 0)
  bytes.writeUInt16LE(5, 2)
  bytes.writeUInt8(1, 4)
  bytes.writeInt32LE(seconds, 5)
  return bytes
}

/** 1980 to 2107, in steps of two seconds. */
function dosTime(modified: number | null): number {
  const date = new Date(modified ?? 0)
  const year = Math.min(2107, Math.max(1980, date.getUTCFullYear() || 1980))
  if (year !== date.getUTCFullYear()) return (1 << 21) | (1 << 16)
  const day = ((year - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate()
  const time = (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1)
  return ((day << 16) | time) >>> 0
}

function attributes({ name, executable }: ArchiveEntry): number {
  const folder = name.endsWith('/')
  const mode = folder ? 0o040755 : executable ? 0o100755 : 0o100644
  return (mode * 65536 + (folder ? 0x10 : 0)) >>> 0
}
