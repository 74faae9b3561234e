import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TestCertificate {
  /** PEM files, in a folder of their own. */
  files: { cert: string; key: string }
  cert: string
  key: string
  remove(): void
}

/** A certificate that vouches for itself, by the openssl program. @param names such as `DNS:localhost`, `IP:127.0.0.1` */
export function makeCertificate(names: readonly string[]): TestCertificate {
  const folder = mkdtempSync(join(tmpdir(), 'dat-cert-'))
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  const subject = ['-subj', '/CN=dat test', '-addext', `subjectAltName=${names.join()}`]
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', files.key]
  execFileSync('openssl', ['req', '-x509', ...key, '-days', '2', ...subject, '-out', files.cert], { stdio: 'pipe' })
  return {
    files,
    cert: readFileSync(files.cert, 'utf8'),
    key: readFileSync(files.key, 'utf8'),
    remove: () => rmSync(folder, { recursive: true, force: true })
  }
}
