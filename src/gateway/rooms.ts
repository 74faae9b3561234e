import { Limit } from '../base/limit.js'
import { Slots } from '../base/slots.js'
import { recentVersions, type Version } from '../core/recent-versions.js'
import type { Use } from '../core/served.js'
import type { TreeNode } from '../core/tree-view.js'
import { addressGroup } from '../transport/address-group.js'
import { type ArchiveKind, sendArchive } from './archive-reply.js'
import { Checksums } from './checksums.js'
import { sendChecksums } from './checksums-reply.js'
import { sendDetails } from './details-reply.js'
import { sendFile } from './file-reply.js'
import { sendFolder } from './folder-reply.js'
import { MAX_LONG, MAX_LONG_OF_ADDRESS, MAX_SCANS, MAX_WAITING } from './limits.js'
import { Listings } from './listings.js'
import { sendProblem } from './reply.js'
import type { Visit } from './visit.js'

/** What there is behind the door: for each request, what answers it. */
export class Rooms {
  readonly #name: string
  readonly #listings = new Listings()
  readonly #checksums = new Checksums()
  readonly #scans = new Limit(MAX_SCANS)
  readonly #long = new Slots(MAX_LONG, MAX_LONG_OF_ADDRESS)
  #versions: { key: string; found: Promise<Version[]> } | null = null

  /** @param name of the share */
  constructor(name: string) {
    this.#name = name
  }

  async show(given: Omit<Visit, 'name'>): Promise<void> {
    const visit: Visit = { ...given, name: this.#name }
    const { target, path, view } = visit
    const node = await view.node(path)
    if (!node || (node.kind === 'file' && target.folder && path !== '')) return notFound(visit)
    if (node.kind === 'link') {
      const { request, response } = visit
      const text = `It is a link to “${node.target}”. Links are not followed.`
      return sendProblem(request, response, 404, 'This is not a file', text)
    }
    const archive = target.query.get('archive')
    if (archive !== null) {
      if (archive !== 'zip' && archive !== 'tar') return notFound(visit)
      return this.#takeLong(visit, () => sendArchive(visit, archive as ArchiveKind))
    }
    if (target.query.has('checksums')) return this.#takeLong(visit, () => sendChecksums(visit, this.#checksums))
    if (node.kind === 'file') {
      // Of a large file a checksum takes long.
      if (target.query.has('checksum')) return this.#takeLong(visit, () => this.#details(visit, node))
      if (!target.query.has('details')) return sendFile(visit, node, this.#checksums)
      return this.#scan(visit, () => this.#details(visit, node))
    }
    await this.#scan(visit, async () => sendFolder(visit, this.#listings, await this.#versionsOf(visit.use)))
  }

  async #details(visit: Visit, node: TreeNode): Promise<void> {
    await sendDetails(visit, node, this.#checksums, await this.#versionsOf(visit.use))
  }

  async #scan(visit: Visit, send: () => Promise<void>): Promise<void> {
    if (this.#scans.waiting >= MAX_WAITING) return busy(visit)
    await this.#scans.run(send)
  }

  async #takeLong(visit: Visit, send: () => Promise<void>): Promise<void> {
    const release = this.#long.take(addressGroup(visit.request.socket.remoteAddress ?? ''))
    if (!release) return busy(visit)
    try {
      await send()
    } finally {
      release()
    }
  }

  #versionsOf({ open }: Use): Promise<Version[]> {
    const key = `${open.drive.core.fork} ${open.drive.version}`
    if (this.#versions?.key !== key) this.#versions = { key, found: recentVersions(open).catch(() => []) }
    return this.#versions.found
  }
}

function notFound({ request, response }: Visit): void {
  sendProblem(
    request,
    response,
    404,
    'There is no such file',
    'Nothing in this share has this name, or not in this version.'
  )
}

function busy({ request, response }: Visit): void {
  const text = 'Too much is being asked for at this moment. Try again in a little while.'
  sendProblem(request, response, 503, 'Busy', text, { 'Retry-After': 10 })
}
