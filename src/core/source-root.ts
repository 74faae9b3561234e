import fs from 'node:fs'
import { DatError, fileError } from '../base/errors.js'
import { STORE_NAME } from '../base/safe-path.js'

/**
 * The shared folder itself. A disk that was unmounted leaves an empty folder, or none, in its place: that must not be
 * taken for the deletion of everything in it, which would go out to every clone.
 */
export class SourceRoot {
  readonly #folder: string
  readonly #identity: string

  private constructor(folder: string, identity: string) {
    this.#folder = folder
    this.#identity = identity
  }

  /**
   * @param known whether anything of this folder is shared already
   * @throws DatError SOURCE when the folder cannot be read, or is empty although something of it is shared
   */
  static async open(folder: string, known: boolean): Promise<SourceRoot> {
    const root = new SourceRoot(folder, await identify(folder))
    if (known && (await isBare(folder))) {
      throw new DatError('SOURCE', `${folder} is empty, but files of it are shared: is its disk not mounted?`, {
        hint: 'mount it and run the same command again; if all of it was deleted on purpose, put a new file there first'
      })
    }
    return root
  }

  /** @throws DatError SOURCE when another folder, or none, has taken its place since it was opened */
  async check(): Promise<void> {
    if ((await identify(this.#folder)) === this.#identity) return
    throw new DatError(
      'SOURCE',
      `${this.#folder} is not the folder any more that was shared: was its disk unmounted?`,
      {
        hint: 'nothing was removed from the share; when the folder is back, run the same command again'
      }
    )
  }
}

async function identify(folder: string): Promise<string> {
  try {
    const { dev, ino } = await fs.promises.stat(folder, { bigint: true })
    return `${dev} ${ino}`
  } catch (error) {
    throw fileError(error, `read ${folder}`)
  }
}

async function isBare(folder: string): Promise<boolean> {
  const names = await fs.promises.readdir(folder)
  return names.every((name) => name === STORE_NAME)
}
