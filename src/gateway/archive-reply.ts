import fs from 'node:fs'
import crypto from 'hypercore-crypto'
import { safePath } from '../base/safe-path.js'
import { ContentError, presenceOf, readContent } from '../core/file-content.js'
import type { TreeNode } from '../core/tree-view.js'
import { pathOf } from '../storage/beneath.js'
import { type FileRecord, sameSizeAndTime } from '../storage/file-record.js'
import { ArchivePlan, type ReadEntry } from './archive.js'
import { countText } from './count.js'
import { html } from './html.js'
import { problemPage } from './page.js'
import { rangeIsMeant, readRange } from './range.js'
import { COMMON_HEADERS, disposition, joined, sendAll, sendPage, sendProblem, wantsPages } from './reply.js'
import { tar, tarLength } from './tar.js'
import type { Visit } from './visit.js'
import { zip, zipLength } from './zip.js'

export type ArchiveKind = 'zip' | 'tar'

/** Sends a folder as one archive, of a length that is known beforehand. */
export async function sendArchive(visit: Visit, kind: ArchiveKind): Promise<void> {
  const { request, response, view, path, use, target } = visit
  const top = topOf(visit)
  const plan = new ArchivePlan(view, path, top)
  await plan.choose(async (nodes) => {
    const records = await use.sources.local?.index.getMany(nodes.map((node) => node.path))
    return Promise.all(nodes.map((node, i) => canBeHad(visit, node, records?.[i] ?? null)))
  })
  if (plan.leftOut > 0 && target.query.get('without') !== 'missing') return sendIncomplete(visit, plan, kind)
  const length = kind === 'zip' ? await zipLength(plan.entries()) : await tarLength(plan.entries())
  const { core } = use.open.drive
  const choice = crypto.hash(Buffer.from(plan.choice)).toString('hex')
  const made = `${kind} 1 ${core.key.toString('hex')} ${core.fork} ${view.version} ${path} ${top} ${choice}`
  const tag = `"${crypto.hash(Buffer.from(made)).toString('base64url').slice(0, 27)}"`
  // A tar file can be had from any byte on, and so a download that broke off goes on.
  const header =
    kind === 'tar' &&
    request.method === 'GET' &&
    rangeIsMeant(request.headers['if-range'] as string | undefined, tag, null)
  const span = header ? readRange(request.headers.range, length) : null
  const common = {
    ...COMMON_HEADERS,
    'Cache-Control': 'private, no-cache',
    'Content-Type': kind === 'zip' ? 'application/zip' : 'application/x-tar',
    'Content-Disposition': disposition('attachment', `${top}.${kind}`),
    'Accept-Ranges': kind === 'tar' ? 'bytes' : 'none',
    ETag: tag,
    'X-Dat-Files': plan.files
  }
  const open = span !== null && span !== 'unsatisfiable' && span.end === length ? span : null
  if (span === 'unsatisfiable') {
    response.writeHead(416, { ...common, 'Content-Range': `bytes */${length}`, 'Content-Length': 0 })
    response.end()
    return
  }
  const start = open?.start ?? 0
  response.writeHead(open ? 206 : 200, {
    ...common,
    'Content-Length': length - start,
    ...(open && { 'Content-Range': `bytes ${start}-${length - 1}/${length}` })
  })
  if (request.method === 'HEAD') {
    response.end()
    return
  }
  const read: ReadEntry = ({ node }, from) => readContent(use.sources, node, from, node.bytes)
  const bytes = kind === 'zip' ? zip(() => plan.entries(), read) : tar(plan.entries(), read, start)
  try {
    await sendAll(response, joined(bytes))
  } catch (error) {
    // Half of an archive must not look like a whole one.
    response.destroy()
    if (!(error instanceof ContentError)) throw error
  }
}

/** The folder that is made where it is unpacked. What the owner calls the share may be no name of a folder. */
export function topOf({ path, name }: Visit): string {
  const top = path === '' ? name : path.slice(path.lastIndexOf('/') + 1)
  const safe = safePath(top)
  return safe.ok && !safe.relative.includes('/') ? safe.relative : 'share'
}

/** Whether a file is here as it was shared, or somebody has it: an archive that breaks off half way helps nobody. */
async function canBeHad({ use }: Visit, node: TreeNode, record: FileRecord | null): Promise<boolean> {
  const { local, remote } = use.sources
  const presence = presenceOf(use.sources, node)
  if (presence !== 'here' || !local || !node.range) return presence !== 'missing'
  if (record?.state !== 'done') return record?.state !== 'indexing'
  const stats = await fs.promises.lstat(pathOf({ root: local.root, path: node.path })).catch(() => null)
  if (stats?.isFile() && sameSizeAndTime({ size: stats.size, mtime: stats.mtimeMs, inode: 0, ctime: 0 }, record))
    return true
  return remote?.has(node.range.blockOffset, node.range.blockLength) ?? false
}

function sendIncomplete(visit: Visit, plan: ArchivePlan, kind: ArchiveKind): void {
  const { request, response, links, path } = visit
  const { files, leftOut } = plan
  const title = `${countText(leftOut, 'file')} of this folder cannot be had now`
  const without = links.folder(path, { archive: kind, without: 'missing' })
  if (!wantsPages(request)) {
    const hint = files > 0 ? `Without them: ${links.absolute(without)}` : 'Try again later.'
    sendProblem(request, response, 409, title, hint, { 'Retry-After': 30 })
    return
  }
  const text =
    'They are not on this computer and nobody who has them can be reached, or they were changed after they were shared.'
  const rest =
    files > 0 && html`<a class="button" href="${without}">Download the other ${countText(files, 'file')} as ${kind}</a>`
  const back = html`<a href="${links.folder(path)}">Back to the folder</a>`
  sendPage(response, 409, problemPage(title, text, rest, back), { 'Retry-After': 30 })
}
