import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { checkSignature } from './minisign.js'

// dat --check-signature FILE SIGNATURE: was this signed with the key that this program was released with? For the
// installer of the next release. Exit code 0: yes; 9: no; 3: this program has no key.
const [, , file, signature] = process.argv
const key = fileURLToPath(new URL('release.pub', import.meta.url))
if (!existsSync(key)) process.exit(3)
try {
  checkSignature(readFileSync(file), readFileSync(signature, 'utf8'), readFileSync(key, 'utf8'))
} catch (error) {
  console.error(`dat: ${file}: ${error.message}`)
  process.exitCode = 9
}
