import { createReadStream, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { ReadStream } from 'node:tty'
import { DatError, reasonOf } from '../../base/errors.js'
import type { Ui } from '../ui/ui.js'

const MAX_BYTES = 1024

/**
 * The password that `--password` or `--password-file` asks for: never an argument, which everybody on the same computer
 * may read.
 * @returns null if there is to be none
 * @throws DatError USAGE; what `signal` was aborted with
 */
export async function readPassword(
  { password, passwordFile }: { password?: boolean; passwordFile?: string },
  cwd: string,
  ui: Ui,
  signal: AbortSignal
): Promise<string | null> {
  if (passwordFile !== undefined) return usable(firstLine(readFile(resolve(cwd, passwordFile))))
  if (!password) return null
  return usable(process.stdin.isTTY ? await typed(ui, signal) : await fromInput(signal))
}

function readFile(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new DatError('USAGE', `--password-file: cannot read ${file}: ${reasonOf(error)}`, { cause: error })
  }
}

function firstLine(text: string): string {
  return text.split(/\r?\n/, 1)[0] ?? ''
}

function usable(password: string): string {
  const bytes = Buffer.byteLength(password)
  if (bytes > 0 && bytes <= MAX_BYTES) return password
  throw new DatError('USAGE', bytes === 0 ? 'the password is empty' : 'the password is too long', {
    hint: `give one of 1 to ${MAX_BYTES} bytes`
  })
}

async function fromInput(signal: AbortSignal): Promise<string> {
  let text = ''
  for await (const chunk of createReadStream('', { fd: 0, autoClose: false, encoding: 'utf8', signal })) {
    text += chunk
    if (text.includes('\n') || text.length > 2 * MAX_BYTES) break
  }
  return firstLine(text)
}

/** Reads a line from the terminal without showing it. */
function typed(ui: Ui, signal: AbortSignal): Promise<string> {
  ui.info('Password for those who visit (it is not shown):')
  const input = new ReadStream(0)
  input.setEncoding('utf8')
  input.setRawMode(true)
  return new Promise<string>((resolve, reject) => {
    let text = ''
    const end = (finish: () => void): void => {
      signal.removeEventListener('abort', onabort)
      input.setRawMode(false)
      input.destroy()
      finish()
    }
    const onabort = (): void => end(() => reject(signal.reason))
    signal.addEventListener('abort', onabort)
    input.on('data', (data: string) => {
      for (const char of data) {
        if (char === '\r' || char === '\n' || char === '\x04') return end(() => resolve(text))
        // In raw mode Ctrl-C is a character like any other.
        if (char === '\x03') process.kill(process.pid, 'SIGINT')
        else if (char === '\x7f' || char === '\b') text = [...text].slice(0, -1).join('')
        else if (char >= ' ') text += char
      }
    })
  })
}
