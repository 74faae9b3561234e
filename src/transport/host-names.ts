import { promises as dns, type LookupAddress } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { systemCode } from '../base/errors.js'
import { isLoopback } from './host-port.js'

/** A name server that has not answered by then is taken for dead, in milliseconds. */
const DEAD_MS = 4000
const TRY_MS = 1500

/**
 * The addresses of a name. The lookup of the system knows more (the hosts file, search domains), but where no name
 * server answers it keeps a thread busy for up to half a minute, and the process cannot end before. So a name server
 * is asked directly first, and the system only if one answers.
 * @throws the error of the lookup
 */
export async function lookUpHost(host: string): Promise<LookupAddress[]> {
  const family = isIP(host)
  if (family !== 0) return [{ address: host, family }]
  if (isLoopback(host)) return [{ address: '127.0.0.1', family: 4 }]
  const resolver = new dns.Resolver({ timeout: TRY_MS, tries: 2 })
  const dead = setTimeout(() => resolver.cancel(), DEAD_MS)
  try {
    const [ipv4, ipv6] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
    const found = [
      ...(ipv4.status === 'fulfilled' ? ipv4.value.map((address) => ({ address, family: 4 })) : []),
      ...(ipv6.status === 'fulfilled' ? ipv6.value.map((address) => ({ address, family: 6 })) : [])
    ]
    if (found.length > 0) return found
    const error: unknown = ipv4.status === 'rejected' ? ipv4.reason : null
    if (['ETIMEOUT', 'ECANCELLED'].includes(systemCode(error))) {
      throw Object.assign(new Error(`no name server answered for ${host}`), { code: 'EAI_AGAIN' })
    }
  } finally {
    clearTimeout(dead)
  }
  return dns.lookup(host, { all: true })
}

/** `lookUpHost` in the form in which sockets want it. */
export const lookUpForSocket: LookupFunction = (host, options, callback) => {
  lookUpHost(host).then(
    (found) => {
      const { family } = options
      const fit = found.filter((one) => !family || one.family === family || family === `IPv${one.family}`)
      const [first] = fit
      if (!first) callback(Object.assign(new Error(`no address for ${host}`), { code: 'ENOTFOUND' }), '', 0)
      else if (options.all) callback(null, fit)
      else callback(null, first.address, first.family)
    },
    (error: NodeJS.ErrnoException) => callback(error, '', 0)
  )
}
