import type Hypercore from 'hypercore'
import type { FileRecord } from '../storage/file-record.js'
import { type BlockRange, uniformBlockSize } from '../storage/layout.js'
import { badBlocks } from './content-check.js'
import type { OpenDrive } from './drive.js'

/** Index meta of a clone: the fork of the content core that its records speak of. */
const FORK = 'fork'
const BATCH = 1024

/**
 * The owner began another fork of the share: from some block on, the places of blocks have other content. Takes back
 * what the index says of those, before anything is planned. Files in place stay, and are still known as ours.
 */
export async function forgetForked(open: OpenDrive, content: Hypercore): Promise<void> {
  const known = (await open.index.getMeta<number>(FORK)) ?? 0
  if (known === content.fork) return
  let batch = open.index.batch()
  let changes = 0
  const forget = async (record: FileRecord): Promise<void> => {
    if (record.state === 'done') batch.put({ ...record, range: null, target: '' }, record)
    else {
      batch.remove(record)
      if (record.range) await open.files.partials.remove(record.range)
    }
    if (++changes % BATCH > 0) return
    await batch.flush()
    batch = open.index.batch()
  }
  for await (const record of open.index.records()) {
    const { range } = record
    if (!range) continue
    const here = content.core.bitfield.count(range.blockOffset, range.blockLength, true)
    if (record.state === 'done' ? here < range.blockLength : here === 0) await forget(record)
    else if (record.state === 'partial') await reclaim(open, content, range)
  }
  batch.putMeta(FORK, content.fork)
  await batch.flush()
}

/** The rest of a partial file is as good as it was, but for blocks that arrived when it was not ready for them. */
async function reclaim(open: OpenDrive, content: Hypercore, range: BlockRange): Promise<void> {
  if (!uniformBlockSize(range)) return
  for await (const index of badBlocks(open, open.files.partials.file(range), range)) {
    if (content.core.bitfield.get(index)) await content.clear(index, index + 1)
  }
}
