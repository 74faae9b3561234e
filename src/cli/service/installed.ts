import fs from 'node:fs'
import path from 'node:path'
import { fileError, systemCode } from '../../base/errors.js'
import type { Manager } from './manager.js'
import { readNote, type ServiceNote, type ServiceSpec } from './spec.js'

export interface InstalledService extends ServiceNote {
  name: string
  file: string
}

/** The services of dat that are installed, by the names of their folders. Files of others are not touched. */
export async function listInstalled({ folder }: Pick<Manager, 'folder'>): Promise<InstalledService[]> {
  const names = await fs.promises.readdir(folder).catch(() => [])
  const all: InstalledService[] = []
  for (const base of names) {
    if (!/^dat[-.].*\.(?:service|plist)$/.test(base)) continue
    const file = path.join(folder, base)
    const note = readNote(await fs.promises.readFile(file, 'utf8').catch(() => ''))
    if (note) all.push({ ...note, name: base.replace(/\.plist$/, ''), file })
  }
  return all.sort((a, b) => (a.dir < b.dir ? -1 : 1))
}

/** @throws DatError DISK_FULL, PERMISSION, SOURCE */
export async function writeService(manager: Manager, spec: ServiceSpec): Promise<string> {
  const file = manager.fileOf(spec.name)
  const text = manager.text(spec)
  try {
    await fs.promises.mkdir(manager.folder, { recursive: true })
    await fs.promises.writeFile(`${file}.new`, text, { mode: 0o600 })
    await fs.promises.rename(`${file}.new`, file)
  } catch (error) {
    throw fileError(error, `write ${file}`)
  }
  return file
}

/** @throws DatError PERMISSION, SOURCE */
export async function removeService(file: string): Promise<void> {
  try {
    await fs.promises.rm(file)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw fileError(error, `remove ${file}`)
  }
}
