import { readFileSync, writeFileSync } from 'node:fs'

/**
 * Cuts off an ELF file (64 bit, little-endian) what is behind everything that gets loaded: symbols for debuggers and the
 * table of sections, 20 MB of node. The tools that do this are different ones for each processor, and write different
 * bytes from one version to the next.
 */
export function stripElf(file) {
  const data = readFileSync(file)
  if (data.readUInt32BE(0) !== 0x7f454c46 || data[4] !== 2 || data[5] !== 1) throw new Error(`${file} is not ELF64`)
  const offset = Number(data.readBigUInt64LE(0x20))
  const size = data.readUInt16LE(0x36)
  let end = 0x40
  for (let n = 0; n < data.readUInt16LE(0x38); n++) {
    const at = offset + n * size
    const loadEnd = Number(data.readBigUInt64LE(at + 0x08) + data.readBigUInt64LE(at + 0x20))
    end = Math.max(end, loadEnd, at + size)
  }
  // Where the table of sections begins, how many there are, and which has the names.
  data.writeBigUInt64LE(0n, 0x28)
  data.writeUInt32LE(0, 0x3c)
  writeFileSync(file, data.subarray(0, end))
}
