import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { DatError, reasonOf, systemCode } from '../../../base/errors.js'

/** How often the files are looked at: a renewed certificate is in use before long, without a restart. */
const LOOK_MS = 30_000

/** Paths of PEM files. */
export interface CertificateFiles {
  cert: string
  key: string
}

export interface Certificate {
  cert: string
  key: string
  /** Names that it is for, without wildcards. */
  names: string[]
}

/**
 * Reads a certificate (with its chain) and its private key, and checks that they belong together.
 * @throws DatError USAGE
 */
export async function readCertificate(files: CertificateFiles): Promise<Certificate> {
  const cert = await read(files.cert, 'certificate')
  const key = await read(files.key, 'private key')
  const parsed = attempt(() => new X509Certificate(cert))
  if (!parsed) {
    throw new DatError('USAGE', `${files.cert} holds no certificate in PEM form`, {
      hint: 'give the full chain, such as fullchain.pem, to --tls-cert'
    })
  }
  const privateKey = attempt(() => createPrivateKey(key))
  if (!privateKey) {
    throw new DatError('USAGE', `${files.key} holds no private key in PEM form, or one with a password`, {
      hint: 'give the key without a password, such as privkey.pem, to --tls-key'
    })
  }
  if (!parsed.checkPrivateKey(privateKey)) {
    throw new DatError('USAGE', `the certificate ${files.cert} does not belong to the key ${files.key}`, {
      hint: 'the server certificate must come first in the file; its authority follows'
    })
  }
  const names = [...(parsed.subjectAltName ?? '').matchAll(/\bDNS:([a-z0-9.-]+)/gi)].map((match) => match[1] ?? '')
  return { cert, key, names: names.filter((name) => !name.includes('*')) }
}

async function read(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const reason = systemCode(error) === 'ENOENT' ? 'there is no such file' : reasonOf(error)
    throw new DatError('USAGE', `cannot read the ${what} ${path}: ${reason}`, {
      hint: 'check the path, and that the user who runs the relay may read the file',
      cause: error
    })
  }
}

function attempt<T>(make: () => T): T | null {
  try {
    return make()
  } catch {
    return null
  }
}

export interface CertificateWatch {
  /** From then on every change is noticed. */
  readonly ready: Promise<void>
  close(): void
}

/**
 * Reads the files again whenever they change. Until both fit together the old certificate stays in use.
 * @param onchange called with what was read, or with what is wrong with it
 */
export function watchCertificate(
  files: CertificateFiles,
  onchange: (result: Certificate | DatError) => void,
  every = LOOK_MS
): CertificateWatch {
  let closed = false
  let seen: string | null = null
  const look = async () => {
    const now = await fingerprint(files)
    if (now === null || now === seen || closed) return
    const first = seen === null
    seen = now
    if (first) return
    const result = await readCertificate(files).catch((error: DatError) => error)
    if (!closed) onchange(result)
  }
  const ready = look()
  const timer = setInterval(() => void look(), every)
  timer.unref()
  return {
    ready,
    close: () => {
      closed = true
      clearInterval(timer)
    }
  }
}

/** null while one of the files is missing. */
async function fingerprint(files: CertificateFiles): Promise<string | null> {
  try {
    const stats = await Promise.all([stat(files.cert), stat(files.key)])
    return stats.map(({ mtimeMs, size, ino }) => `${mtimeMs} ${size} ${ino}`).join()
  } catch {
    return null
  }
}
