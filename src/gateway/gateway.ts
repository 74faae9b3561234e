import type { IncomingMessage, ServerResponse } from 'node:http'
import os from 'node:os'
import { DatError } from '../base/errors.js'
import type { Report } from '../base/events.js'
import { Scope } from '../base/scope.js'
import type { Served } from '../core/served.js'
import { TreeView } from '../core/tree-view.js'
import { formatHostPort, isLoopback } from '../transport/host-port.js'
import {
  type Certificate,
  type CertificateFiles,
  readCertificate,
  watchCertificate
} from '../transport/relay/server/certificate.js'
import { dialableAddresses } from '../transport/tcp.js'
import type { HostPort } from '../transport/transport.js'
import { Door } from './door.js'
import { Hosts } from './hosts.js'
import { Listener } from './listener.js'
import { Login } from './login.js'
import { sendProblem } from './reply.js'
import { Rooms } from './rooms.js'
import { hashPassword, openSecret, signingKey } from './secret.js'
import { Signer } from './signature.js'
import { signedPath } from './visit.js'

export interface GatewayOptions {
  served: Served
  /** Where the secret for signed URLs is kept; null keeps none. */
  home: string | null
  /** Makes a new secret: no URL that was given away works any more. */
  newSecret: boolean
  listen: HostPort
  /** Take any port if this one is in use. */
  anyPort: boolean
  tls: CertificateFiles | null
  /** How others reach it, if that cannot be known from here: `https://data.example.org`. */
  publicOrigin: URL | null
  /** The file or folder that the URL is good for; '' for all. */
  path: string
  /** How long the URL is good, in seconds. */
  seconds: number
  password: string | null
  report: Report
}

export interface Gateway {
  /** Signed, and complete. */
  readonly url: string
  readonly port: number
  /** When the URL stops working, in milliseconds since 1970. */
  readonly expires: number
  close(): Promise<void>
}

/**
 * Serves a share to browsers and to programs such as curl: docs/gateway.md. Closes what it serves.
 * @throws DatError USAGE when the port, the certificate or the path is none
 */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const scope = new Scope()
  scope.defer(() => options.served.close())
  try {
    return await open(options, scope)
  } catch (error) {
    await scope.close().catch(() => {})
    throw error
  }
}

async function open(options: GatewayOptions, scope: Scope): Promise<Gateway> {
  const { served, listen, tls, publicOrigin, report, password } = options
  const path = [served.under, options.path].filter((part) => part !== '').join('/')
  const folder = await isFolder(served, path)
  const certificate = tls && (await readCertificate(tls))
  const secret = await openSecret(options.home, served.key, options.newSecret)
  const hash = password === null ? null : await hashPassword(secret, password)
  const signer = new Signer(signingKey(secret, hash))
  const login = hash && new Login(secret, hash)
  const hosts = new Hosts([...namesOf(listen.host, certificate), ...(publicOrigin ? [publicOrigin.hostname] : [])])
  const rooms = new Rooms(await served.name())
  const door = new Door({ served, signer, login, hosts, rooms, secure: tls !== null, publicOrigin })
  const onrequest = (request: IncomingMessage, response: ServerResponse): void => {
    response.on('error', () => {})
    door.receive(request, response).catch((error: unknown) => {
      // What was under way when it was closed is nobody's concern.
      if (scope.closed) return
      if (response.headersSent || response.destroyed) response.destroy()
      else sendProblem(request, response, 500, 'Something went wrong', 'The computer that serves this page says why.')
      if (!request.destroyed || !isGone(error))
        report({ type: 'note', message: `gateway: ${messageOf(error)}`, important: true })
    })
  }
  const listener = await Listener.open({ listen, anyPort: options.anyPort, certificate, onrequest })
  scope.defer(() => listener.close())
  if (tls) {
    const watch = watchCertificate(tls, (result) => {
      const failed = result instanceof Error
      if (!failed) listener.use(result)
      const message = failed ? `the old certificate stays in use: ${result.message}` : 'the new certificate is in use'
      report({ type: 'note', message })
    })
    scope.defer(() => watch.close())
  }
  const { port } = listener
  const expires = Math.floor(Date.now() / 1000) + options.seconds
  const origin = publicOrigin?.origin ?? originOf(listen.host, port, certificate)
  return {
    url: origin + signedPath(signer, path, folder, expires),
    port,
    expires: expires * 1000,
    close: () => scope.close()
  }
}

async function isFolder(served: Served, path: string): Promise<boolean> {
  const use = await served.use()
  const view = await TreeView.open(use.open, null)
  try {
    const node = await view?.node(path)
    if (!node && path !== '') {
      throw new DatError('USAGE', `there is no ${path} in this share`, { hint: 'run `dat ls` to see what there is' })
    }
    return node?.kind !== 'file'
  } finally {
    await view?.close()
    use.release()
  }
}

function namesOf(host: string, certificate: Certificate | null): string[] {
  return [host, os.hostname(), ...(certificate?.names ?? [])].filter((name) => name !== '')
}

/** How it is reached from outside, as far as that can be known: a certificate knows its name. */
function originOf(host: string, port: number, certificate: Certificate | null): string {
  const scheme = certificate ? 'https' : 'http'
  const standard = certificate ? 443 : 80
  const everywhere = host === '' || host === '0.0.0.0' || host === '::'
  const name = certificate?.names.find((one) => one !== 'localhost' || !everywhere)
  const address = name
    ? formatHostPort(name, port)
    : everywhere
      ? dialableAddresses('', port)[0]
      : formatHostPort(host, port)
  return `${scheme}://${address ?? formatHostPort('127.0.0.1', port)}`.replace(port === standard ? `:${port}` : '', '')
}

/** @throws DatError USAGE for an address that others can reach without encryption, unless that is what is wanted */
export function refuseOpenHttp(listen: HostPort, tls: boolean, wanted: boolean): void {
  if (tls || wanted || isLoopback(listen.host)) return
  throw new DatError('USAGE', 'others could read what is served here, and the URL with it: there is no certificate', {
    hint: 'add --tls-cert FILE --tls-key FILE; behind a reverse proxy, or in a network that you trust: --plain-http'
  })
}

function isGone(error: unknown): boolean {
  return (
    (error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE' || (error as Error).name === 'AbortError'
  )
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
