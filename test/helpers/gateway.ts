import http from 'node:http'
import https from 'node:https'
import type { DatEvent } from '../../src/base/events.js'
import { parseLink } from '../../src/base/link.js'
import type * as served from '../../src/core/served.js'
import type * as gateway from '../../src/gateway/gateway.js'
import { defer } from './cleanup.js'
import { ALONE, built } from './core.js'

export interface Answer {
  status: number
  headers: http.IncomingHttpHeaders
  body: Buffer
  text: string
  /** The connection ended before all that was announced had come. */
  broken: boolean
}

export interface Ask {
  method?: string
  headers?: Record<string, string>
  body?: string
}

/** Asks for exactly this URL: nothing in its path is put in order first. */
export function ask(url: string, { method = 'GET', headers = {}, body }: Ask = {}): Promise<Answer> {
  const { protocol, hostname, port } = new URL(url)
  const path = url.slice(url.indexOf('/', 8))
  return new Promise((resolve, reject) => {
    const module = protocol === 'https:' ? https : http
    const host = hostname.replace(/^\[|\]$/g, '')
    const request = module.request({ host, port, path, method, headers, agent: false, rejectUnauthorized: false })
    request.on('error', reject)
    request.on('response', (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      const end = (broken: boolean): void => {
        const all = Buffer.concat(parts)
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: all, text: String(all), broken })
      }
      response.on('end', () => end(!response.complete))
      response.on('error', () => end(true))
    })
    request.end(body)
  })
}

export interface TestGateway {
  url: string
  /** What stands before each path in the links of its pages: the origin and the signature. */
  base: string
  events: DatEvent[]
  /** Asks for something below the top, with the signature. */
  get(path: string, options?: Ask): Promise<Answer>
  close(): Promise<void>
}

type Options = Partial<gateway.GatewayOptions> & {
  /** Whoever opened it closes it. */
  keep?: boolean
}

/** Serves a share or a clone of this computer, or a link, until the test is over. */
export async function openTestGateway(target: string, options: Options = {}): Promise<TestGateway> {
  const { openServed } = await built<typeof served>('core/served')
  const link = target.startsWith('dat://') ? parseLink(target) : null
  const where = link ? { link } : { dir: target }
  const events: DatEvent[] = []
  const report = (event: DatEvent): void => {
    events.push(event)
  }
  const signal = new AbortController().signal
  const network = { ...ALONE, ...(link && { peers: link.addresses }) }
  const common = { store: null, home: null, network, report, signal, timeout: 20 }
  return serve(await openServed({ ...common, target: where }), events, options)
}

/** Serves what is open already. */
export async function serve(what: served.Served, events: DatEvent[] = [], options: Options = {}): Promise<TestGateway> {
  const { openGateway } = await built<typeof gateway>('gateway/gateway')
  const opened = await openGateway({
    served: what,
    home: null,
    newSecret: false,
    listen: { host: '127.0.0.1', port: 0 },
    anyPort: false,
    tls: null,
    publicOrigin: null,
    path: '',
    seconds: 3600,
    password: null,
    report: (event) => events.push(event),
    ...options
  })
  let closed = false
  const close = async (): Promise<void> => {
    if (!closed) await opened.close()
    closed = true
  }
  if (!options.keep) defer(close)
  const { origin, searchParams } = new URL(opened.url)
  const base = `${origin}/~${searchParams.get('expires')}.${searchParams.get('signature')}/`
  return { url: opened.url, base, events, close, get: (path, how) => ask(base + path, how) }
}

/** The addresses of all links of a page. */
export function linksOf(page: string): string[] {
  return [...page.matchAll(/\bhref="([^"]*)"/g)].map((match) => (match[1] ?? '').replaceAll('&amp;', '&'))
}
