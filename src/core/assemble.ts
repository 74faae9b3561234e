import fs from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type Hypercore from 'hypercore'
import type { EntryValue } from 'hyperdrive'
import type { OpenDrive } from './drive.js'

export interface AssembleOptions {
  open: OpenDrive
  content: Hypercore
  value: EntryValue
  /** Where to write it. */
  file: string
  signal: AbortSignal
  /** Told of bytes as they come. */
  onbytes: (bytes: number) => void
}

/**
 * Gets a file whose blocks do not map onto it one by one: deduplicated, or of uneven sizes, as other programs may make
 * them. They pass through the index; once the file is whole they are cleared from it.
 */
export async function assemble({ open, value, file, signal, onbytes }: AssembleOptions): Promise<void> {
  const blobs = await open.drive.getBlobs()
  const blob = value.blob
  if (!blob) throw new Error('it has no content')
  await fs.promises.mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
  const source = blobs.createReadStream(blob)
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of source as unknown as AsyncIterable<Buffer>) {
      onbytes(chunk.length)
      yield chunk
    }
  }
  await pipeline(Readable.from(counted()), fs.createWriteStream(file), { signal })
  await blobs.clear(blob)
}
