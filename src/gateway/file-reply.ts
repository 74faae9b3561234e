import { ContentError, contentName, readContent } from '../core/file-content.js'
import type { TreeNode } from '../core/tree-view.js'
import type { Checksums } from './checksums.js'
import { lookOf, mediaType } from './media-type.js'
import { precondition, rangeIsMeant, readRange } from './range.js'
import { COMMON_HEADERS, CONTENT_POLICY, disposition, type Headers, sendAll } from './reply.js'
import { sendTrouble } from './trouble.js'
import type { Visit } from './visit.js'

/** A browser would choke on longer texts; they are offered to be saved. */
const MAX_INLINE_TEXT = 4 * 1024 * 1024

/** Sends a file, or the part of it that was asked for. */
export async function sendFile(visit: Visit, node: TreeNode, checksums: Checksums): Promise<void> {
  const { request, response, use } = visit
  const { headers, method } = request
  const tag = `"${contentName(use.sources, node)}"`
  const name = node.path.slice(node.path.lastIndexOf('/') + 1)
  const known = checksums.known(contentName(use.sources, node))
  const common: Headers = {
    ...COMMON_HEADERS,
    'Content-Security-Policy': CONTENT_POLICY,
    'Cache-Control': 'private, no-cache',
    'Accept-Ranges': 'bytes',
    ETag: tag,
    ...(node.modified !== null && { 'Last-Modified': new Date(node.modified).toUTCString() }),
    ...(known && { 'Repr-Digest': `sha-256=:${known.toString('base64')}:` })
  }
  const answer = precondition(
    {
      ifMatch: headers['if-match'],
      ifNoneMatch: headers['if-none-match'],
      ifModifiedSince: headers['if-modified-since'],
      ifUnmodifiedSince: headers['if-unmodified-since']
    },
    tag,
    node.modified
  )
  if (answer !== 200) {
    response.writeHead(answer, common)
    response.end()
    return
  }
  const meant = method === 'GET' && rangeIsMeant(headers['if-range'] as string | undefined, tag, node.modified)
  const range = meant ? readRange(headers.range, node.bytes) : null
  if (range === 'unsatisfiable') {
    response.writeHead(416, { ...common, 'Content-Range': `bytes */${node.bytes}`, 'Content-Length': 0 })
    response.end()
    return
  }
  const { start, end } = range ?? { start: 0, end: node.bytes }
  const full: Headers = {
    ...common,
    'Content-Type': mediaType(name),
    'Content-Length': end - start,
    'Content-Disposition': disposition(isInline(visit, node, name) ? 'inline' : 'attachment', name),
    ...(range && { 'Content-Range': `bytes ${start}-${end - 1}/${node.bytes}` })
  }
  if (method === 'HEAD') {
    response.writeHead(200, full)
    response.end()
    return
  }
  const chunks = readContent(use.sources, node, start, end)
  try {
    // The first bytes before the first line: while nothing is sent yet, it can still be said that they are not there.
    const first = await chunks.next()
    response.writeHead(range ? 206 : 200, full)
    await sendAll(response, startingWith(first, chunks))
  } catch (error) {
    if (!(error instanceof ContentError)) throw error
    if (!response.headersSent) return sendTrouble(visit, error.trouble)
    // Half of a file must not look like a whole one.
    response.destroy()
  } finally {
    await chunks.return(undefined)
  }
}

async function* startingWith<T>(first: IteratorResult<T>, rest: AsyncIterable<T>): AsyncGenerator<T> {
  if (first.done) return
  yield first.value
  yield* rest
}

function isInline({ target }: Visit, node: TreeNode, name: string): boolean {
  if (target.query.has('download')) return false
  const look = lookOf(name)
  return look === 'image' || ((look === 'text' || look === 'table') && node.bytes <= MAX_INLINE_TEXT)
}
