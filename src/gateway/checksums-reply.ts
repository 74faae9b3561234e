import { ContentError } from '../core/file-content.js'
import { topOf } from './archive-reply.js'
import { type Checksums, checksumLine } from './checksums.js'
import { COMMON_HEADERS, CONTENT_POLICY, disposition, joined, sendAll } from './reply.js'
import type { Visit } from './visit.js'

/** Sends the SHA-256 of every file below a folder, as `sha256sum -c` reads it. They come as they are made. */
export async function sendChecksums(visit: Visit, checksums: Checksums): Promise<void> {
  const { request, response } = visit
  response.writeHead(200, {
    ...COMMON_HEADERS,
    'Content-Security-Policy': CONTENT_POLICY,
    'Cache-Control': 'private, no-store',
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Disposition': disposition('inline', `${topOf(visit)}.sha256`)
  })
  if (request.method === 'HEAD') response.end()
  else await sendAll(response, joined(checksumLines(visit, checksums), 1024))
}

async function* checksumLines({ view, path, use, signal }: Visit, checksums: Checksums): AsyncGenerator<Buffer> {
  const from = path === '' ? 0 : path.length + 1
  for await (const node of view.walk(path)) {
    if (node.kind !== 'file') continue
    const name = node.path.slice(from) || node.path.slice(node.path.lastIndexOf('/') + 1)
    try {
      yield Buffer.from(checksumLine(await checksums.of(use.sources, node, signal), name))
    } catch (error) {
      if (!(error instanceof ContentError)) throw error
      // A comment for `sha256sum -c`, which warns of it.
      yield Buffer.from(`# ${error.trouble}: ${name.replace(/[\r\n]/g, '?')}\n`)
    }
  }
}
