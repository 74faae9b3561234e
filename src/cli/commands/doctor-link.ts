import { DatError } from '../../base/errors.js'
import type { DatEvent } from '../../base/events.js'
import { parseLink, shortId } from '../../base/link.js'
import { alsoAt } from '../../core/places.js'
import { deadline, orNull } from '../../diagnostics/deadline.js'
import type { DoctorOptions } from '../../diagnostics/options.js'
import { lookUpHost } from '../../transport/host-names.js'
import { parseHostPort } from '../../transport/host-port.js'
import type { Context } from '../context.js'

/** How long it looks for somebody, in seconds; less when it is sure that nobody is there. */
const SEARCH_SECONDS = 60

/** What the names of relays may take, in ms: they have just been looked up. */
const NAMES_MS = 1500

/**
 * `dat doctor <link>`: tells whether anyone serves a link, by which route and how soon. Nothing of its content is
 * fetched, only the list of its files, as by `dat ls`. This network is looked at in the meantime, for the case that
 * nobody is found.
 * @returns 0
 * @throws DatError NOT_A_LINK, NO_PEER
 */
export async function checkLink(context: Context, text: string, options: DoctorOptions): Promise<number> {
  const { ui, signal, common } = context
  const link = parseLink(text)
  const [{ examine }, { judge }, { readDrive }] = await Promise.all([
    import('../../diagnostics/run.js'),
    import('../../diagnostics/verdicts.js'),
    import('../../core/read-drive.js')
  ])
  const found = new AbortController()
  const looking = examine(
    { ...options, network: alsoAt(options.network, link) },
    { quick: true, report: () => {}, signal: AbortSignal.any([signal, found.signal]) }
  )
  const peers = new Map<string, Extract<DatEvent, { type: 'peer.connected' }>>()
  const report = (event: DatEvent): void => {
    if (event.type === 'peer.connected') peers.set(event.peer, event)
    if (event.type === 'peer.disconnected' && peers.get(event.peer)?.route === event.route) peers.delete(event.peer)
  }
  const began = performance.now()
  try {
    const target = { link }
    const drive = await readDrive({ ...common, target, timeout: SEARCH_SECONDS, endEarly: true, report })
    const ms = Math.round(performance.now() - began)
    const { version, core } = drive.open.drive
    // Others who look for it are connected, too.
    const having = core.peers.filter(({ remoteLength }) => remoteLength > 0)
    const peer = having.map(({ remotePublicKey }) => peers.get(shortId(remotePublicKey))).find(Boolean)
    await drive.close()
    if (!peer) throw new DatError('NO_PEER', 'the computer that serves this link went away at once')
    const { peer: id, route, address } = peer
    const { relays = [] } = alsoAt(options.network, link)
    const relay = route === 'direct' ? await relayAt(address, relays, signal) : null
    ui.event({ type: 'link.served', route, peer: id, address, relay, ms, version })
    return 0
  } catch (error) {
    if (error instanceof DatError && error.code === 'NO_PEER') {
      const verdict = judge(await looking)
      signal.throwIfAborted()
      ui.event({ type: 'verdict', ...verdict })
    }
    throw error
  } finally {
    found.abort()
    await looking
  }
}

/** The host of the relay that has this address, null for none. A relay and a sharer can be on one computer. */
async function relayAt(address: string, urls: readonly string[], signal: AbortSignal): Promise<string | null> {
  const { host } = parseHostPort(address)
  const limit = deadline(NAMES_MS, signal)
  try {
    const names = urls.map((url) => new URL(url).hostname.replace(/^\[|\]$/g, ''))
    const found = await Promise.all(names.map((name) => orNull(lookUpHost(name), limit.signal).catch(() => null)))
    return names.find((_, i) => found[i]?.some((one) => one.address === host)) ?? null
  } finally {
    limit.close()
  }
}
