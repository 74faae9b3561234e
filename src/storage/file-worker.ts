import fs from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { systemCode } from '../base/errors.js'
import { Folders } from './beneath.js'
import { edit, placeFile } from './file-edits.js'
import { fingerprintOf, holesOf } from './file-record.js'
import {
  FILE,
  FOLDER,
  GONE,
  type HashJob,
  type HashResult,
  LINK,
  type ListJob,
  type ListResult,
  OTHER,
  PRINT,
  type ReadJob,
  type ReadResult,
  type Task,
  type TaskError,
  taskError,
  type WriteJob,
  type WriteResult
} from './file-tasks.js'
import { readFully } from './read-fully.js'
import { writeSparse } from './sparse-file.js'

// Runs in a worker thread. Synchronous on purpose: it has nothing else to do, and a file operation that need not be
// handed to yet another thread costs a tenth.

const { O_RDONLY, O_WRONLY, O_CREAT, O_TRUNC, O_NONBLOCK = 0 } = fs.constants
// The walk saw a regular file here; should a pipe have taken its place since, it is not waited for.
const READ = O_RDONLY | O_NONBLOCK

/** Of the message that is being worked on: held for no longer, since folders come and go. */
const folders = new Folders()
let buffer = Buffer.allocUnsafeSlow(0)
let leafHash: ((data: Uint8Array) => Buffer) | null = null

function hashFile(job: HashJob): HashResult {
  if (!leafHash) throw new Error('hashing before it was loaded')
  const fd = folders.open(job.file, READ)
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

function listFolder(job: ListJob): ListResult {
  const folder = folders.folder(job.folder)
  const entries = fs.readdirSync(folder, { withFileTypes: true })
  const names = entries.map(({ name }) => name)
  const kinds = new Uint8Array(entries.length)
  const prints = new Float64Array(entries.length * PRINT)
  const executable = new Uint8Array(entries.length)
  const targets: Record<number, string> = {}
  const failures: Record<number, string> = {}
  entries.forEach((entry, i) => {
    // Some file systems do not say in the listing what an entry is; then it is looked at like a file.
    if (entry.isDirectory()) return
    const file = `${folder}/${entry.name}`
    try {
      const stats = fs.lstatSync(file)
      const { size, mtime, inode, ctime } = fingerprintOf(stats)
      prints.set([size, mtime, inode, ctime, holesOf(stats)], i * PRINT)
      kinds[i] = stats.isFile() ? FILE : stats.isSymbolicLink() ? LINK : stats.isDirectory() ? FOLDER : OTHER
      if (stats.isFile() && (stats.mode & 0o100) !== 0) executable[i] = 1
      if (stats.isSymbolicLink()) targets[i] = fs.readlinkSync(file)
    } catch (error) {
      kinds[i] = GONE
      failures[i] = systemCode(error)
    }
  })
  return { names, kinds, prints, executable, targets, failures }
}

function readFile({ file, length }: ReadJob): ReadResult {
  const fd = folders.open(file, READ)
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
  const fd = folders.open(file, O_WRONLY | O_CREAT | O_TRUNC, 0o666)
  try {
    writeSparse(fd, data, 0)
    return { written: true }
  } finally {
    fs.closeSync(fd)
  }
}

function attempt<J, R>(work: (job: J) => R): (job: J) => R | TaskError {
  return (job) => {
    try {
      return work(job)
    } catch (error) {
      return taskError(error)
    } finally {
      folders.tidy()
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
      return task.jobs.map(attempt((job) => placeFile(folders, job)))
    case 'edit':
      return task.jobs.map(attempt((job) => edit(folders, job)))
  }
}

parentPort?.on('message', async (task: Task) => {
  // Only a thread that hashes needs what hashes: 10 MB.
  if (task.kind === 'hash') leafHash ??= (await import('./leaf-hash.js')).leafHash
  const results = run(task)
  folders.close()
  const transfer: ArrayBuffer[] = []
  for (const result of results) {
    if ('hashes' in result) transfer.push((result.hashes as Uint8Array).buffer as ArrayBuffer)
    if ('data' in result) transfer.push((result.data as Uint8Array).buffer as ArrayBuffer)
  }
  parentPort?.postMessage(results, transfer)
})
