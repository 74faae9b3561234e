import { createHash, randomBytes } from 'node:crypto'
import { chmod, lstat, mkdir, readdir, readFile, readlink, symlink, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** What a sample file is: its content, or more about it. */
export type Sample =
  | string
  | Buffer
  | { content: string | Buffer; executable?: boolean; modified?: Date }
  | { link: string }
  | { folder: true }

/** Writes a tree of samples: keys are paths with `/`. */
export async function writeTree(dir: string, tree: Record<string, Sample>): Promise<void> {
  await mkdir(dir, { recursive: true })
  for (const [name, sample] of Object.entries(tree)) {
    const path = join(dir, name)
    await mkdir(dirname(path), { recursive: true })
    if (typeof sample === 'string' || Buffer.isBuffer(sample)) await writeFile(path, sample)
    else if ('link' in sample) await symlink(sample.link, path)
    else if ('folder' in sample) await mkdir(path, { recursive: true })
    else {
      await writeFile(path, sample.content)
      if (sample.executable) await chmod(path, 0o755)
      if (sample.modified) await utimes(path, sample.modified, sample.modified)
    }
  }
}

/** A small tree of ordinary research data. */
export const PLAIN_TREE = {
  'readme.md': '# Measurements\n',
  'data/2026-03-01.csv': 'time,value\n1,2\n',
  'data/2026-03-02.csv': 'time,value\n3,4\n',
  'data/raw/scan.bin': randomBytes(3 * 1024 * 1024 + 17),
  'scripts/run.sh': { content: '#!/bin/sh\n', executable: true }
} satisfies Record<string, Sample>

/** Everything about a tree that a copy has to keep, by path; without dat's own folder. */
export async function describeTree(dir: string): Promise<Record<string, string>> {
  const all: Record<string, string> = {}
  const walk = async (folder: string, prefix: string) => {
    const names = (await readdir(folder)).filter((name) => prefix !== '' || name !== '.dat').sort()
    if (names.length === 0 && prefix !== '') all[prefix] = 'empty folder'
    for (const name of names) {
      const path = join(folder, name)
      const stat = await lstat(path)
      if (stat.isDirectory()) await walk(path, `${prefix}${name}/`)
      else if (stat.isSymbolicLink()) all[prefix + name] = `link to ${await readlink(path)}`
      else {
        const hash = createHash('sha256')
          .update(await readFile(path))
          .digest('hex')
          .slice(0, 16)
        const executable = stat.mode & 0o100 ? ' executable' : ''
        // Seconds: what every file system keeps. Finer is checked where it is promised.
        all[prefix + name] = `${stat.size} bytes ${hash}${executable} ${Math.floor(stat.mtimeMs / 1000)}`
      }
    }
  }
  await walk(dir, '')
  return all
}
