import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32, deflateRawSync } from 'node:zlib'

/** A ZIP file of a folder, in which nothing depends on machine or time: files sorted, all of one date. */

// 1980-01-01, the first day that there is in a ZIP file.
const DOS_DATE = (1 << 5) | 1
const UTF8_NAMES = 1 << 11
const DEFLATED = 8
const VERSION = 20
const MADE_ON_UNIX = (3 << 8) | VERSION

/** @returns {Buffer} */
export function zipOf(folder, name) {
  const parts = []
  const directory = []
  let offset = 0
  for (const { path, mode } of filesOf(folder)) {
    const data = readFileSync(join(folder, path))
    const packed = deflateRawSync(data, { level: 9, memLevel: 9 })
    const file = Buffer.from(`${name}/${path}`)
    const common = commonHeader(data, packed, file)
    const header = Buffer.concat([uint32(0x04034b50), uint16(VERSION), common, file])
    const more = [uint16(0), uint16(0), uint16(0), uint32((0o100000 | mode) * 0x10000), uint32(offset), file]
    directory.push(Buffer.concat([uint32(0x02014b50), uint16(MADE_ON_UNIX), uint16(VERSION), common, ...more]))
    parts.push(header, packed)
    offset += header.length + packed.length
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0)
  const count = uint16(directory.length)
  const end = [uint32(0x06054b50), uint32(0), count, count, uint32(size), uint32(offset), uint16(0)]
  return Buffer.concat([...parts, ...directory, ...end])
}

/** From the flags up to the length of the extra field, which is 0. */
function commonHeader(data, packed, file) {
  const numbers = [uint16(UTF8_NAMES), uint16(DEFLATED), uint16(0), uint16(DOS_DATE), uint32(crc32(data))]
  return Buffer.concat([...numbers, uint32(packed.length), uint32(data.length), uint16(file.length), uint16(0)])
}

function filesOf(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const files = entries.map((entry) => {
    const path = join(entry.parentPath, entry.name)
    return { path: path.slice(folder.length + 1), mode: /\.(exe|node|dll)$/.test(path) ? 0o755 : 0o644 }
  })
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

function uint16(value) {
  const buffer = Buffer.alloc(2)
  buffer.writeUInt16LE(value)
  return buffer
}

function uint32(value) {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32LE(value >>> 0)
  return buffer
}
