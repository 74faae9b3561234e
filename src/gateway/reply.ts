import type { IncomingMessage, ServerResponse } from 'node:http'
import { PAGE_POLICY, problemPage } from './page.js'

/** For everything that is sent: nobody else is told the URL, no cache keeps it, nothing is taken for something else. */
export const COMMON_HEADERS = {
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Robots-Tag': 'noindex, nofollow',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin'
} as const

/** What comes out of a share runs nothing and loads nothing, even where a browser opens it by itself. */
export const CONTENT_POLICY = "sandbox; default-src 'none'; img-src 'self'; style-src 'none'; frame-ancestors 'none'"

export type Headers = Record<string, string | number>

/** Sends a page. */
export function sendPage(response: ServerResponse, status: number, text: string, headers: Headers = {}): void {
  const body = Buffer.from(text)
  response.writeHead(status, {
    ...COMMON_HEADERS,
    'Content-Security-Policy': PAGE_POLICY,
    'X-Frame-Options': 'DENY',
    'Cache-Control': 'private, no-store',
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Length': body.length,
    ...headers
  })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}

/** Sends JSON or plain text. */
export function sendText(response: ServerResponse, type: string, text: string, headers: Headers = {}): void {
  const body = Buffer.from(text)
  response.writeHead(200, {
    ...COMMON_HEADERS,
    'Content-Security-Policy': CONTENT_POLICY,
    'Cache-Control': 'private, no-store',
    'Content-Type': type,
    'Content-Length': body.length,
    ...headers
  })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}

/** Says why there is nothing: a page for people, a line for programs. */
export function sendProblem(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  title: string,
  text: string,
  headers: Headers = {}
): void {
  if (wantsPages(request)) {
    sendPage(response, status, problemPage(title, text), headers)
    return
  }
  const body = Buffer.from(`${title}. ${text}\n`)
  response.writeHead(status, {
    ...COMMON_HEADERS,
    'Cache-Control': 'private, no-store',
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': body.length,
    ...headers
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

export function wantsPages({ headers }: IncomingMessage): boolean {
  return /\btext\/html\b/i.test(headers.accept ?? '')
}

/** Sends what comes until it ends, as fast as the client takes it. Fails if it cannot be sent in full. */
export async function sendAll(response: ServerResponse, chunks: AsyncIterable<Buffer>): Promise<void> {
  for await (const chunk of chunks) {
    if (response.destroyed) return
    if (!response.write(chunk)) await drained(response)
  }
  response.end()
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      response.off('drain', settle)
      response.off('close', settle)
      resolve()
    }
    response.on('drain', settle)
    response.on('close', settle)
    if (response.destroyed) settle()
  })
}

/** Joins what is small, so that it does not become as many packets. */
export async function* joined(chunks: AsyncIterable<Buffer>, bytes = 64 * 1024): AsyncGenerator<Buffer> {
  let parts: Buffer[] = []
  let length = 0
  for await (const chunk of chunks) {
    if (length + chunk.length > bytes && length > 0) {
      yield parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, length)
      parts = []
      length = 0
    }
    if (chunk.length >= bytes) yield chunk
    else if (chunk.length > 0) {
      parts.push(chunk)
      length += chunk.length
    }
  }
  if (length > 0) yield Buffer.concat(parts, length)
}

/** `Content-Disposition` (RFC 6266): the exact name, and one that every program understands. */
export function disposition(kind: 'inline' | 'attachment', name: string): string {
  const plain = name.replace(/[^\x20-\x7e]/gu, '_').replace(/["\\%/]/g, '_')
  const exact = encodeURIComponent(name.toWellFormed()).replace(
    /['()*!]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`
  )
  return `${kind}; filename="${plain}"; filename*=UTF-8''${exact}`
}
