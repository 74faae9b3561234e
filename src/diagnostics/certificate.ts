import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { type DetailedPeerCertificate, rootCertificates, type TLSSocket, connect as tlsConnect } from 'node:tls'
import { systemCode } from '../base/errors.js'

/** What TLS on a connection came to. */
export interface Handshake {
  /** null: no handshake. To be destroyed by the caller. */
  socket: TLSSocket | null
  /** '' when the certificate is trusted. */
  error: string
  resignedBy: string | null
  certificateTime: boolean
}

/** Makers of firewalls that look into TLS, as they name their certificates. */
const INSPECTORS =
  /zscaler|fortinet|fortigate|palo ?alto|netskope|umbrella|sophos|blue ?coat|symantec web|forcepoint|websense|mcafee web|skyhigh|check ?point|barracuda|watchguard|iboss|contentkeeper|lightspeed|smoothwall|untangle|cato networks|menlo|kaspersky|bitdefender|eset ssl|avast|avg web|squid|mitmproxy|burp|charles proxy/i
const MAX_NAME = 100

/**
 * Makes the TLS handshake of a relay over an open connection, whatever the certificate: this only looks at it. Nothing
 * secret may be sent when `error` is not empty.
 * @param ca a certificate in PEM to trust beside the usual ones
 */
export function handshake(raw: Duplex, host: string, ca: string | null, signal: AbortSignal): Promise<Handshake> {
  return new Promise((resolve) => {
    const socket = tlsConnect({
      socket: raw,
      // Without it the certificate of a bare address would be compared with `localhost`.
      host,
      ...(isIP(host) === 0 && { servername: host }),
      ALPNProtocols: ['http/1.1'],
      ...(ca !== null && { ca: [...rootCertificates, ca] }),
      rejectUnauthorized: false
    })
    const fail = (error: string) => settle({ socket: null, error, resignedBy: null, certificateTime: false })
    const settle = (result: Handshake) => {
      signal.removeEventListener('abort', onabort)
      socket.off('error', onerror)
      socket.on('error', () => {})
      if (!result.socket) socket.destroy()
      resolve(result)
    }
    const onabort = () => fail('no answer to the TLS handshake')
    const onerror = (error: Error) => fail(systemCode(error) || error.message)
    socket.once('error', onerror)
    socket.once('secureConnect', () => settle(inspect(socket)))
    signal.addEventListener('abort', onabort, { once: true })
    if (signal.aborted) onabort()
  })
}

function inspect(socket: TLSSocket): Handshake {
  const certificate = socket.getPeerCertificate(true)
  const error = socket.authorized ? '' : String(socket.authorizationError ?? 'untrusted')
  return { socket, error, ...judgeCertificate(certificate, error) }
}

/**
 * Whether a certificate was made by somebody in between, or only seems not to be valid because of a wrong clock.
 * @param error Node's name for why it is not trusted, '' when it is
 */
export function judgeCertificate(
  certificate: Pick<DetailedPeerCertificate, 'subject' | 'issuer'>,
  error: string
): { resignedBy: string | null; certificateTime: boolean } {
  const issuer = nameOf(certificate.issuer)
  const certificateTime = /CERT_(?:NOT_YET_VALID|HAS_EXPIRED)/.test(error)
  // Signed by itself: a relay whose operator made the certificate, not a firewall, which signs with its own authority.
  const selfSigned = issuer !== '' && issuer === nameOf(certificate.subject)
  const strange = /SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER|UNABLE_TO_VERIFY|CERT_UNTRUSTED|INVALID_CA/.test(
    error
  )
  const known = INSPECTORS.test(issuer)
  return { resignedBy: known || (strange && !selfSigned) ? issuer || 'an unknown authority' : null, certificateTime }
}

function nameOf(name: { O?: unknown; CN?: unknown } | undefined): string {
  const parts = [name?.O, name?.CN].flat().filter((part): part is string => typeof part === 'string' && part !== '')
  return [...new Set(parts)].join(', ').slice(0, MAX_NAME)
}
