import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseDuration } from '../../base/duration.js'
import { DatError } from '../../base/errors.js'
import { printable } from '../../base/terminal-text.js'
import type { Served } from '../../core/served.js'
import type { Gateway } from '../../gateway/gateway.js'
import { isLoopback } from '../../transport/host-port.js'
import type { HostPort } from '../../transport/transport.js'
import { type Context, parseTarget } from '../context.js'
import { formatDate } from '../ui/format.js'
import { patience } from './arguments.js'
import { readLinkText } from './link-argument.js'
import { readPassword } from './password-argument.js'

/** The options of `dat serve` as they were typed. */
export interface ServeArguments {
  target: string
  timeout?: string
  path?: string
  expires?: string
  password?: boolean
  passwordFile?: string
  revoke?: boolean
  qr?: boolean
  tlsCert?: string
  tlsKey?: string
  publicUrl?: string
  plainHttp?: boolean
}

const PORT = 8080
const DEFAULT_EXPIRES = '7d'

/** `dat serve [dir or link]`: a gateway for browsers, until Ctrl-C. */
export async function serve(context: Context, args: ServeArguments): Promise<void> {
  const { ui, signal, common, cwd } = context
  const listen = common.network.listen ?? { host: '127.0.0.1', port: PORT }
  const tls = tlsFiles(args, cwd)
  const publicOrigin = readOrigin(args.publicUrl)
  const seconds = readExpires(args.expires)
  const { openGateway, refuseOpenHttp } = await import('../../gateway/gateway.js')
  refuseOpenHttp(listen, tls !== null, args.plainHttp === true)
  const target = parseTarget(await readLinkText(args.target, signal), cwd, existsSync)
  const link = 'link' in target ? target.link : null
  if (link?.version) {
    throw new DatError('USAGE', 'a gateway shows every version: leave it out of the link', {
      hint: 'the page has a list to choose from'
    })
  }
  const password = await readPassword(args, cwd, ui, signal)
  const { timeout, endEarly } = patience(args.timeout)
  if (link) ui.begin('serve', { timeout })
  const { openServed } = await import('../../core/served.js')
  // The port is for browsers, and not for peers.
  const network = { ...common.network, listen: null }
  const served = await openServed({ ...common, network, target, timeout, endEarly })
  const gateway = await openGateway({
    served,
    home: common.home ?? null,
    newSecret: args.revoke === true,
    listen,
    anyPort: common.network.listen === null,
    tls,
    publicOrigin,
    path: (args.path ?? '').replace(/^(?:\.?\/)+|\/+$/g, ''),
    seconds,
    password,
    report: (event) => {
      ui.event(event)
      if (!link && event.type === 'note') ui.info(`note: ${printable(event.message)}`)
    }
  })
  try {
    await tell(context, gateway, { listen, tls: tls !== null, qr: args.qr === true })
    await interruption(signal)
  } finally {
    await gateway.close()
  }
}

/** `dat share --http`: the same for a share that is open already, on this computer alone. */
export async function serveBeside(context: Context, served: Served, port: string | true): Promise<Gateway> {
  const { openGateway } = await import('../../gateway/gateway.js')
  const listen = { host: '127.0.0.1', port: port === true ? PORT : readPort(port) }
  const gateway = await openGateway({
    served,
    home: context.common.home ?? null,
    newSecret: false,
    listen,
    anyPort: port === true,
    tls: null,
    publicOrigin: null,
    path: '',
    seconds: readExpires(),
    password: null,
    report: context.common.report
  })
  await tell(context, gateway, { listen, tls: false, qr: false })
  return gateway
}

async function tell(
  { ui }: Context,
  { url, port, expires }: Gateway,
  { listen, tls, qr }: { listen: HostPort; tls: boolean; qr: boolean }
): Promise<void> {
  const host = listen.host === '' ? '0.0.0.0' : listen.host
  const object = { type: 'gateway', url, host, port, tls, expires: new Date(expires).toISOString() }
  if (qr) ui.qr(url)
  ui.info(`For browsers, until ${formatDate(expires)}. Who has this link may read what it names:`)
  await ui.row(object, printable(url))
  if (isLoopback(host)) ui.info('On this computer only. For others: `dat serve --listen` with a certificate.')
  ui.info('Keep this running; Ctrl-C stops it.')
}

function tlsFiles({ tlsCert, tlsKey }: ServeArguments, cwd: string): { cert: string; key: string } | null {
  if (tlsCert === undefined && tlsKey === undefined) return null
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new DatError('USAGE', 'a certificate and its key go together', {
      hint: 'give both: --tls-cert fullchain.pem --tls-key privkey.pem'
    })
  }
  return { cert: resolve(cwd, tlsCert), key: resolve(cwd, tlsKey) }
}

function readOrigin(text: string | undefined): URL | null {
  if (text === undefined) return null
  const url = URL.canParse(text) ? new URL(text) : null
  const plain = url && url.pathname === '/' && url.search === '' && url.hash === '' && url.username === ''
  if (url && plain && /^https?:$/.test(url.protocol)) return url
  throw new DatError('USAGE', '--public-url: this is not the address of a server', {
    hint: 'give it without a path: https://data.example.org'
  })
}

function readExpires(text = DEFAULT_EXPIRES): number {
  return Math.round(parseDuration(text, '--expires') / 1000)
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1
  if (port >= 0 && port <= 65535) return port
  throw new DatError('USAGE', `--http: "${text}" is not a port`, {
    hint: 'it is for this computer only; for others run `dat serve --listen HOST:PORT` beside'
  })
}

function interruption(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
