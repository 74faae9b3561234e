import fs from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { fingerprintOf } from './file-record.js'
import {
  FILE,
  FOLDER,
  fileTime,
  GONE,
  type HashJob,
  type HashResult,
  LINK,
  type ListJob,
  type ListResult,
  OTHER,
  type PlaceJob,
  type PlaceResult,
  type ReadJob,
  type ReadResult,
  type Task,
  type TaskError,
  type WriteJob,
  type WriteResult
} from './file-tasks.js'

// Runs in a worker thread. Synchronous on purpose: it has nothing else to do, and a file operation that need not be
// handed to yet another thread costs a tenth.

const { O_RDONLY, O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants
// The walk saw a regular file here; should a link or a pipe have taken its place since, it is not followed or waited for.
const READ = O_RDONLY | O_NOFOLLOW | O_NONBLOCK

/** Two files are compared in pieces of this size. */
const COMPARE_BYTES = 1024 * 1024

let buffer = Buffer.allocUnsafeSlow(0)
let leafHash: ((data: Uint8Array) => Buffer) | null = null

function hashFile(job: HashJob): HashResult {
  if (!leafHash) throw new Error('hashing before it was loaded')
  const fd = fs.openSync(job.file, READ)
  try {
    if (buffer.length < job.blockSize) buffer = Buffer.allocUnsafeSlow(job.blockSize)
    const count = Math.ceil(job.length / job.blockSize)
    const hashes = new Uint8Array(count * 32)
    for (let i = 0; i < count; i++) {
      const length = Math.min(job.blockSize, job.length - i * job.blockSize)
      if (!readFully(fd, buffer, length, job.start + i * job.blockSize)) break
      hashes.set(leafHash(buffer.subarray(0, length)), i * 32)
    }
    // Looked at after the reading: had anything changed before or meanwhile, it shows.
    const stats = fs.fstatSync(fd)
    return { hashes, ...fingerprintOf(stats), executable: (stats.mode & 0o100) !== 0 }
  } finally {
    fs.closeSync(fd)
  }
}

function listFolder({ folder }: ListJob): ListResult {
  const entries = fs.readdirSync(folder, { withFileTypes: true })
  const names = entries.map(({ name }) => name)
  const kinds = new Uint8Array(entries.length)
  const prints = new Float64Array(entries.length * 3)
  const executable = new Uint8Array(entries.length)
  const targets: Record<number, string> = {}
  const failures: Record<number, string> = {}
  entries.forEach((entry, i) => {
    // Some file systems do not say in the listing what an entry is; then it is looked at like a file.
    if (entry.isDirectory()) return
    const file = `${folder}/${entry.name}`
    try {
      const stats = fs.lstatSync(file)
      const { size, mtime, inode } = fingerprintOf(stats)
      prints.set([size, mtime, inode], i * 3)
      kinds[i] = stats.isFile() ? FILE : stats.isSymbolicLink() ? LINK : stats.isDirectory() ? FOLDER : OTHER
      if (stats.isFile() && (stats.mode & 0o100) !== 0) executable[i] = 1
      if (stats.isSymbolicLink()) targets[i] = fs.readlinkSync(file)
    } catch (error) {
      kinds[i] = GONE
      failures[i] = (error as NodeJS.ErrnoException).code ?? ''
    }
  })
  return { names, kinds, prints, executable, targets, failures }
}

function readFile({ file, length }: ReadJob): ReadResult {
  const fd = fs.openSync(file, READ)
  try {
    const data = new Uint8Array(length)
    const whole = readFully(fd, data, length, 0)
    const print = fingerprintOf(fs.fstatSync(fd))
    return whole ? { data, ...print } : { error: { code: 'ESHORT', message: 'the file is shorter than it was' } }
  } finally {
    fs.closeSync(fd)
  }
}

function writeFile({ file, data }: WriteJob): WriteResult {
  const fd = fs.openSync(file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o666)
  try {
    for (let done = 0; done < data.length; ) done += fs.writeSync(fd, data, done, data.length - done, done)
    return { written: true }
  } finally {
    fs.closeSync(fd)
  }
}

function placeFile({ from, to, mtime, mode, replace, force }: PlaceJob): PlaceResult {
  if (mode !== null) tolerate(() => fs.chmodSync(from, mode))
  if (mtime !== null) tolerate(() => fs.utimesSync(from, fileTime(mtime), fileTime(mtime)))
  const stats = fs.lstatSync(to, { throwIfNoEntry: false })
  if (stats?.isDirectory()) return { inTheWay: 'folder' }
  if (stats && !force && (replace?.mtime !== stats.mtimeMs || replace.inode !== stats.ino)) {
    // What is there already is in nobody's way: it was put there just before an end that the index did not see.
    if (!stats.isFile() || !sameContent(from, to)) return { inTheWay: replace ? 'altered' : 'foreign' }
  }
  fs.renameSync(from, to)
  return fingerprintOf(fs.lstatSync(to))
}

function sameContent(one: string, other: string): boolean {
  const fds = [fs.openSync(one, READ)]
  try {
    fds.push(fs.openSync(other, READ))
    const [a, b] = fds as [number, number]
    const { size } = fs.fstatSync(a)
    if (size !== fs.fstatSync(b).size) return false
    const [ours, theirs] = [Buffer.allocUnsafe(COMPARE_BYTES), Buffer.allocUnsafe(COMPARE_BYTES)]
    for (let done = 0; done < size; done += COMPARE_BYTES) {
      const length = Math.min(COMPARE_BYTES, size - done)
      if (!readFully(a, ours, length, done) || !readFully(b, theirs, length, done)) return false
      if (!ours.subarray(0, length).equals(theirs.subarray(0, length))) return false
    }
    return true
  } finally {
    for (const fd of fds) fs.closeSync(fd)
  }
}

/** File systems such as FAT or some network mounts keep neither times nor modes: the content matters more. */
function tolerate(operation: () => void): void {
  try {
    operation()
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (!['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL'].includes(code)) throw error
  }
}

function readFully(fd: number, into: Uint8Array, length: number, position: number): boolean {
  for (let done = 0; done < length; ) {
    const n = fs.readSync(fd, into, done, length - done, position + done)
    if (n === 0) return false
    done += n
  }
  return true
}

function attempt<J, R>(work: (job: J) => R): (job: J) => R | TaskError {
  return (job) => {
    try {
      return work(job)
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException
      return { error: { code, message } }
    }
  }
}

function run(task: Task): object[] {
  switch (task.kind) {
    case 'list':
      return task.jobs.map(attempt(listFolder))
    case 'hash':
      return task.jobs.map(attempt(hashFile))
    case 'read':
      return task.jobs.map(attempt(readFile))
    case 'write':
      return task.jobs.map(attempt(writeFile))
    case 'place':
      return task.jobs.map(attempt(placeFile))
  }
}

parentPort?.on('message', async (task: Task) => {
  // Only a thread that hashes needs what hashes: 10 MB.
  if (task.kind === 'hash') leafHash ??= (await import('./leaf-hash.js')).leafHash
  const results = run(task)
  const transfer: ArrayBuffer[] = []
  for (const result of results) {
    if ('hashes' in result) transfer.push((result.hashes as Uint8Array).buffer as ArrayBuffer)
    if ('data' in result) transfer.push((result.data as Uint8Array).buffer as ArrayBuffer)
  }
  parentPort?.postMessage(results, transfer)
})
