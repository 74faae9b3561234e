import type Hypercore from 'hypercore'
import type { FileRecord } from '../storage/file-record.js'
import type { BlockRange } from '../storage/layout.js'
import type { OpenDrive } from './drive.js'
import type { RecordWriter } from './record-writer.js'

/** What this clone says that it has, towards peers and its own tree; taken back when no file has it any more. */
export class BlockClaims {
  readonly #open: OpenDrive
  readonly #content: Hypercore
  readonly #records: RecordWriter

  constructor(open: OpenDrive, content: Hypercore, records: RecordWriter) {
    this.#open = open
    this.#content = content
    this.#records = records
  }

  /** A path gives up its blocks, because it is to have others. */
  async releaseOf(record: FileRecord): Promise<void> {
    if (!record.range) return
    if (record.state === 'partial') await this.#open.files.partials.remove(record.range)
    // The path stays known as ours: until the new content is in place, a crash finds the old one there.
    this.#records.put({ ...record, range: null, target: '' }, record)
    await this.release(record.range)
  }

  /** Takes back the claim on blocks, unless another file still holds them. */
  async release(range: BlockRange): Promise<void> {
    await this.#records.flush()
    const blockLength = await this.#open.index.countUnowned(range)
    if (blockLength > 0) await this.clear({ ...range, blockLength })
  }

  async clear({ blockOffset, blockLength }: BlockRange): Promise<void> {
    await this.#content.clear(blockOffset, Math.min(blockOffset + blockLength, this.#content.length))
  }

  /** Bytes in `have` blocks of a range; the last one may be shorter. */
  bytesHere({ blockOffset, blockLength, byteLength }: BlockRange, blockSize: number, have: number): number {
    const last = have > 0 && this.#content.core.bitfield.get(blockOffset + blockLength - 1)
    return last ? (have - 1) * blockSize + (byteLength - (blockLength - 1) * blockSize) : have * blockSize
  }
}
