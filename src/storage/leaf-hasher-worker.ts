import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import crypto from 'hypercore-crypto'
import { fingerprintOf } from './file-record.js'
import type { HashJob, HashResult } from './leaf-hasher.js'

// Runs in a worker thread: reads files and hashes their blocks. Synchronous on purpose, it has nothing else to do.

// The walk saw a regular file here; should a link or a pipe have taken its place since, it is not followed or waited for.
const READ_NO_FOLLOW = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
let buffer = Buffer.allocUnsafeSlow(0)

function hashFile(job: HashJob): HashResult {
  let fd: number
  try {
    fd = openSync(job.file, READ_NO_FOLLOW)
  } catch (error) {
    return { error: { code: (error as NodeJS.ErrnoException).code ?? '', message: (error as Error).message } }
  }
  try {
    if (buffer.length < job.blockSize) buffer = Buffer.allocUnsafeSlow(job.blockSize)
    const count = Math.ceil(job.length / job.blockSize)
    const hashes = new Uint8Array(count * 32)
    for (let i = 0; i < count; i++) {
      const length = Math.min(job.blockSize, job.length - i * job.blockSize)
      if (!readFully(fd, length, job.start + i * job.blockSize)) break
      hashes.set(crypto.data(buffer.subarray(0, length)), i * 32)
    }
    // Looked at after the reading: had anything changed before or meanwhile, it shows.
    const stats = fstatSync(fd)
    return { hashes, ...fingerprintOf(stats), executable: (stats.mode & 0o100) !== 0 }
  } catch (error) {
    return { error: { code: (error as NodeJS.ErrnoException).code ?? '', message: (error as Error).message } }
  } finally {
    closeSync(fd)
  }
}

function readFully(fd: number, length: number, position: number): boolean {
  let done = 0
  while (done < length) {
    const n = readSync(fd, buffer, done, length - done, position + done)
    if (n === 0) return false
    done += n
  }
  return true
}

parentPort?.on('message', (jobs: HashJob[]) => {
  const results = jobs.map(hashFile)
  const transfer = results.flatMap((result) => ('hashes' in result ? [result.hashes.buffer as ArrayBuffer] : []))
  parentPort?.postMessage(results, transfer)
})
