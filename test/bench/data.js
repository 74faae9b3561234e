import { createCipheriv, createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, open, readFile, rename, rm, statfs, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/**
 * The data of the measurements: always the same bytes, incompressible, made as fast as the disk takes them, and kept
 * for the next run.
 */

const MiB = 1024 * 1024
const CHUNK = 4 * MiB
const FILES_AT_ONCE = 32
const ISLAND = 3 * MiB

export const DATASETS = {
  big: { title: 'one file of 1 GiB', bytes: 1024 * MiB },
  small: { title: '10,000 small files', files: 10_000 },
  'quick-big': { title: 'one file of 64 MiB', bytes: 64 * MiB },
  'quick-small': { title: '1,000 small files', files: 1000 },
  'scale-big': { title: 'one file of 20 GiB', bytes: 20 * 1024 * MiB },
  'scale-small': { title: '200,000 small files', files: 200_000 },
  'files-10k': { title: '10,000 files of 1 kB', files: 10_000, tiny: true },
  'files-100k': { title: '100,000 files of 1 kB', files: 100_000, tiny: true },
  'files-1m': { title: '1,000,000 files of 1 kB', files: 1_000_000, tiny: true },
  'sparse-2': { title: 'a sparse file of 2 GiB', bytes: 2048 * MiB, islands: 12 },
  'sparse-20': { title: 'a sparse file of 20 GiB', bytes: 20 * 1024 * MiB, islands: 12 },
  'sparse-200': { title: 'a sparse file of 200 GiB', bytes: 200 * 1024 * MiB, islands: 12 },
  crowd: { title: '1,000 small files', files: 1000 }
}

/**
 * Makes a data set below `root` unless it is there.
 * @param {string} root
 * @param {keyof typeof DATASETS} name
 * @returns {Promise<{ name: string, title: string, dir: string, files: number, bytes: number }>} what it holds
 */
export async function dataset(root, name) {
  const plan = DATASETS[name]
  const dir = join(root, name)
  const manifest = join(root, `${name}.json`)
  if (!existsSync(manifest)) {
    // Without a manifest this is what an interrupted run left.
    await rm(dir, { recursive: true, force: true })
    await mkdir(dir, { recursive: true })
    const made = await make(dir, name, plan)
    await writeFile(`${manifest}.part`, JSON.stringify(made))
    await rename(`${manifest}.part`, manifest)
  }
  return { name, title: plan.title, dir, ...JSON.parse(await readFile(manifest, 'utf8')) }
}

function make(dir, name, { files, tiny, bytes, islands }) {
  if (files) return makeSmallFiles(dir, name, files, tiny ? tinyFileSize : smallFileSize)
  return islands ? makeSparseFile(dir, name, bytes, islands) : makeBigFile(dir, name, bytes)
}

/** An index in the folder would make the next share a warm one, and would be copied by the other contenders. */
export async function forgetIndex(data) {
  await rm(join(data.dir, '.dat'), { recursive: true, force: true })
}

/** Rough size of a data set that may not exist yet, in bytes. */
export function plannedBytes(name) {
  const plan = DATASETS[name]
  if (plan.islands) return plan.islands * ISLAND
  // A file takes a block of the file system at least.
  return plan.bytes ?? plan.files * (plan.tiny ? 5000 : 12_000)
}

/** Free space of the file system that holds `path`, in bytes. */
export async function freeBytes(path) {
  await mkdir(path, { recursive: true })
  const { bavail, bsize } = await statfs(path)
  return bavail * bsize
}

/** A stream cipher over zeros: the same bytes for the same seed, at the speed of the processor's AES unit. */
function keystream(seed) {
  const key = createHash('sha256').update(`dat bench ${seed}`).digest()
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
}

async function makeBigFile(dir, seed, bytes) {
  const cipher = keystream(seed)
  const zeros = Buffer.alloc(CHUNK)
  const file = await open(join(dir, 'measurements.bin'), 'wx')
  try {
    for (let done = 0; done < bytes; done += CHUNK) {
      await file.write(cipher.update(zeros.subarray(0, Math.min(CHUNK, bytes - done))))
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return { files: 1, bytes }
}

/** Holes, with data at places that are spread over the whole length. */
async function makeSparseFile(dir, seed, bytes, islands) {
  const cipher = keystream(seed)
  const file = await open(join(dir, 'measurements.bin'), 'wx')
  try {
    await file.truncate(bytes)
    for (let i = 0; i < islands; i++) {
      const place = Math.floor((bytes - ISLAND) * (cipher.update(Buffer.alloc(4)).readUInt32LE() / 2 ** 32))
      await file.write(cipher.update(Buffer.alloc(ISLAND)), 0, ISLAND, place - (place % 4096))
    }
    await file.sync()
    return { files: 1, bytes, taken: (await file.stat()).blocks * 512 }
  } finally {
    await file.close()
  }
}

async function makeSmallFiles(dir, seed, files, sizeOf) {
  const cipher = keystream(seed)
  const zeros = Buffer.alloc(40_000)
  const folders = new Set()
  let bytes = 0
  for (let first = 0; first < files; first += FILES_AT_ONCE) {
    const writes = []
    for (let i = first; i < Math.min(files, first + FILES_AT_ONCE); i++) {
      const path = join(dir, smallFileName(i))
      if (!folders.has(dirname(path))) {
        folders.add(dirname(path))
        await mkdir(dirname(path), { recursive: true })
      }
      const content = cipher.update(zeros.subarray(0, sizeOf(cipher)))
      bytes += content.length
      writes.push(writeFile(path, content, { flag: 'wx' }))
    }
    await Promise.all(writes)
  }
  return { files, bytes }
}

/** Three levels of folders, about 40 files in the last. */
function smallFileName(i) {
  const folder = Math.floor(i / 40)
  const pad = (n, width) => String(n).padStart(width, '0')
  return `station-${pad(Math.floor(folder / 12), 3)}/month-${pad((folder % 12) + 1, 2)}/sample-${pad(i, 6)}.dat`
}

/** 0.2 to 40 kB, more small ones than large ones, 11.5 kB in the mean. */
function smallFileSize(cipher) {
  const uniform = cipher.update(Buffer.alloc(4)).readUInt32LE() / 2 ** 32
  return Math.round(200 + 39_800 * uniform ** 2.52)
}

/** 0.1 to 2 kB. */
function tinyFileSize(cipher) {
  return 100 + (cipher.update(Buffer.alloc(4)).readUInt32LE() % 1900)
}
