import fs from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type Hypercore from 'hypercore'
import type { EntryValue } from 'hyperdrive'
import { type Beneath, openBeneath } from '../storage/beneath.js'
import type { OpenDrive } from './drive.js'

export interface AssembleOptions {
  open: OpenDrive
  content: Hypercore
  value: EntryValue
  /** Where to write it. */
  file: Beneath
  signal: AbortSignal
  /** Told of bytes as they come. */
  onbytes: (bytes: number) => void
}

/**
 * Gets a file whose blocks do not map onto it one by one: deduplicated, or of uneven sizes, as other programs may make
 * them. They pass through the index; once the file is whole they are cleared from it.
 */
export async function assemble({ open, content, value, file, signal, onbytes }: AssembleOptions): Promise<void> {
  const blobs = await open.drive.getBlobs()
  const blob = value.blob
  if (!blob) throw new Error('it has no content')
  await open.files.partials.makeFolder()
  const source = blobs.createReadStream(blob)
  let length = 0
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of source as unknown as AsyncIterable<Buffer>) {
      onbytes(chunk.length)
      length += chunk.length
      yield chunk
    }
  }
  const { O_WRONLY, O_CREAT, O_EXCL } = fs.constants
  const fd = await openBeneath(file, O_WRONLY | O_CREAT | O_EXCL, 0o666)
  await pipeline(Readable.from(counted()), fs.createWriteStream('', { fd }), { signal })
  // The length of a deduplicated blob is that of its list of blocks.
  if (!blob.blockMap && length !== blob.byteLength)
    throw new Error('its content is not of the length that was promised')
  const map = await blobs.getBlockMap(blob)
  for (const { index } of map?.blocks ?? []) {
    // A list of blocks may name those of other files, which stay.
    if (!(await open.files.holds(index))) await content.clear(index, index + 1)
  }
  await content.clear(blob.blockOffset, blob.blockOffset + blob.blockLength)
}
