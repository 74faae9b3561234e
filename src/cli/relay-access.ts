import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { getProxyForUrl } from 'proxy-from-env'
import { DatError, reasonOf } from '../base/errors.js'
import { parseRelay } from '../base/relay-url.js'
import type { RelayAccess } from '../transport/transport.js'

/**
 * Reads `--relay` or DAT_RELAY: URLs with commas between.
 * @param name what to name in the error
 * @throws DatError USAGE
 */
export function readRelays(text: string | undefined, name: string): string[] {
  const words = (text ?? '').split(',').map((word) => word.trim())
  const urls = words
    .filter((word) => word !== '')
    .map((word) => {
      const url = parseRelay(word)
      if (url) return url
      // What is in it may be a password.
      const shown = word.includes('@') ? 'that' : `"${word}"`
      throw new DatError('USAGE', `${name}: ${shown} is not the address of a relay`, {
        hint: 'write it as wss://host, ws://host:port or wss://host/path'
      })
    })
  return [...new Set(urls)]
}

/**
 * How relays are reached: the proxy is the one that the environment names for a web address at the same place
 * (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY, in either case).
 * @param file of certificates, from `--relay-ca`; null for none
 * @throws DatError USAGE
 */
export function relayAccess(file: string | null, env: NodeJS.ProcessEnv): RelayAccess {
  return {
    proxyFor: (url) => getProxyForUrl(url.replace(/^ws/i, 'http')) || null,
    ca: file === null ? null : [readCertificates(file), ...extraCertificates(env)].join('\n')
  }
}

function readCertificates(file: string): string {
  let text: string
  try {
    text = readFileSync(resolve(file), 'utf8')
  } catch (error) {
    throw new DatError('USAGE', `--relay-ca: cannot read ${file}: ${reasonOf(error)}`, { cause: error })
  }
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text
  throw new DatError('USAGE', `--relay-ca: there is no certificate in ${file}`, {
    hint: 'give a file in PEM format: it has a line -----BEGIN CERTIFICATE-----'
  })
}

/** Node.js trusts these by itself only as long as nobody names others. */
function extraCertificates({ NODE_EXTRA_CA_CERTS: file }: NodeJS.ProcessEnv): string[] {
  if (!file) return []
  try {
    return [readFileSync(file, 'utf8')]
  } catch {
    return []
  }
}
