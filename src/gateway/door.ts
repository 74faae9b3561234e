import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Served, Use } from '../core/served.js'
import { TreeView } from '../core/tree-view.js'
import type { Hosts } from './hosts.js'
import { MAX_FORM_BYTES } from './limits.js'
import { type Login, readBasic } from './login.js'
import { loginPage } from './page.js'
import { COMMON_HEADERS, sendPage, sendProblem, wantsPages } from './reply.js'
import type { Rooms } from './rooms.js'
import type { Credential, Signer } from './signature.js'
import { readTarget, type Target } from './target.js'
import { Links } from './visit.js'

export interface DoorOptions {
  served: Served
  signer: Signer
  /** null if no password is asked for. */
  login: Login | null
  hosts: Hosts
  rooms: Rooms
  /** Clients come by TLS. */
  secure: boolean
  publicOrigin: URL | null
}

/** Lets in whoever has a signed URL, and the password if there is one. Nobody else learns anything of the share. */
export class Door {
  readonly #options: DoorOptions

  constructor(options: DoorOptions) {
    this.#options = options
  }

  async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { hosts, signer, login, secure, publicOrigin } = this.#options
    const host = hosts.accept(request.headers.host)
    if (host === null) {
      const text = 'This server does not go by the name that was asked for.'
      return sendProblem(request, response, 421, 'Wrong name', text, { Connection: 'close' })
    }
    const method = request.method ?? ''
    const form = method === 'POST' && login !== null
    if (method !== 'GET' && method !== 'HEAD' && !form) {
      const headers = { Allow: 'GET, HEAD', Connection: 'close' }
      return sendProblem(request, response, 405, 'Not possible here', 'This server only lets files be read.', headers)
    }
    const target = readTarget(request.url ?? '')
    if (!target)
      return sendProblem(request, response, 400, 'Wrong address', 'This is no address of a file.', {
        Connection: 'close'
      })
    const depth = target.credential && signer.covers(target.parts, target.credential)
    if (target.credential === null || depth === null) {
      const text = 'Without a link that was given to you, whole and unchanged, there is nothing to see here.'
      return sendProblem(request, response, 403, 'This link is not valid', text)
    }
    if (target.credential.expires * 1000 <= Date.now()) {
      return sendProblem(request, response, 403, 'This link has expired', 'Ask who gave it to you for a new one.')
    }
    if (login && !(await this.#hasPassword(login, request, response, form))) return
    const origin = publicOrigin?.origin ?? `${secure ? 'https' : 'http'}://${host}`
    await this.#enter(request, response, { target, credential: target.credential, depth, origin })
  }

  async #enter(
    request: IncomingMessage,
    response: ServerResponse,
    given: { target: Target; credential: Credential; depth: number; origin: string }
  ): Promise<void> {
    const { served, rooms, signer } = this.#options
    const { target, credential, depth, origin } = given
    const version = readVersion(target.query.get('version'))
    const gone = new AbortController()
    response.on('close', () => gone.abort(new Error('the client is gone')))
    const use: Use = await served.use()
    const view = Number.isNaN(version) ? null : await TreeView.open(use.open, version)
    try {
      if (!view) return sendProblem(request, response, 404, 'No such version', 'This share has no such version.')
      const top = target.parts.slice(0, depth).join('/')
      const links = new Links(credential, version, origin, signer)
      const path = target.parts.join('/')
      const again = () => this.#again(view.version)
      await rooms.show({ request, response, target, path, top, links, use, view, version, again, signal: gone.signal })
    } finally {
      await view?.close()
      use.release()
    }
  }

  async #again(version: number) {
    const use = await this.#options.served.use()
    const view = await TreeView.open(use.open, version)
    const release = async (): Promise<void> => {
      await view?.close()
      use.release()
    }
    if (view) return { view, release }
    await release()
    return null
  }

  async #hasPassword(
    login: Login,
    request: IncomingMessage,
    response: ServerResponse,
    form: boolean
  ): Promise<boolean> {
    const { headers, socket } = request
    const address = socket.remoteAddress ?? ''
    if (!form && login.knows(headers.cookie)) return true
    const given = form ? await readForm(request) : readBasic(headers.authorization)
    const answer = given === null ? null : await login.check(given, address)
    if (answer === 'right') {
      if (!form) return true
      response.writeHead(303, {
        ...COMMON_HEADERS,
        'Cache-Control': 'private, no-store',
        'Set-Cookie': login.cookie(this.#options.secure),
        Location: request.url ?? '/',
        'Content-Length': 0
      })
      response.end()
      return false
    }
    if (answer === 'later') {
      const text = 'Too many passwords were tried. Wait a minute, and try again.'
      sendProblem(request, response, 429, 'Too many tries', text, { 'Retry-After': 60 })
      return false
    }
    const problem = answer === 'wrong' ? 'This is not the password.' : null
    if (wantsPages(request)) sendPage(response, 401, loginPage(request.url ?? '/', problem))
    else {
      const text = 'For example: curl -u :PASSWORD …'
      const challenge = { 'WWW-Authenticate': 'Basic realm="dat", charset="UTF-8"' }
      sendProblem(request, response, 401, problem ?? 'A password is needed', text, challenge)
    }
    return false
  }
}

/** null for the newest one, NaN for none. */
function readVersion(text: string | null): number | null {
  if (text === null || text === '') return null
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : Number.NaN
}

/** The password in a form; null if there is none, or far too much. */
async function readForm(request: IncomingMessage): Promise<string | null> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length
    if (length > MAX_FORM_BYTES) return null
    parts.push(part)
  }
  return new URLSearchParams(Buffer.concat(parts).toString()).get('password')
}
