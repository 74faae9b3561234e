import fs from 'node:fs'
import { resolve } from 'node:path'
import tty from 'node:tty'
import { DatError, fileError } from '../../base/errors.js'

/** More than anybody types; what comes after the first line is not read. */
const MAX_BYTES = 1024
const TERMINAL = '/dev/tty'
const ENTER = /[\r\n\x04]/

/**
 * A passphrase, from the first line of a file or from the terminal, where it is not shown. Never from an argument or
 * the environment, which others may read.
 * @param twice to be typed twice, since a slip would make it another one
 * @throws DatError USAGE where there is neither; what `signal` was aborted with
 */
export async function readPassphrase(options: {
  file: string | undefined
  cwd: string
  twice: boolean
  signal: AbortSignal
}): Promise<Buffer> {
  const { file, cwd, twice, signal } = options
  if (file !== undefined) return firstLine(resolve(cwd, file))
  const first = await ask('passphrase for the file of keys: ', { hidden: true, signal })
  if (twice && (await ask('once more: ', { hidden: true, signal })) !== first) {
    throw new DatError('USAGE', 'the two passphrases are not the same', { hint: 'run the command again' })
  }
  return Buffer.from(first.normalize('NFC'))
}

function firstLine(file: string): Buffer {
  try {
    const fd = fs.openSync(file, 'r')
    try {
      const data = Buffer.alloc(MAX_BYTES)
      const text = data.toString('utf8', 0, fs.readSync(fd, data, 0, data.length, null))
      return Buffer.from((text.split(/\r?\n/)[0] ?? '').normalize('NFC'))
    } finally {
      fs.closeSync(fd)
    }
  } catch (error) {
    throw fileError(error, `read the passphrase in ${file}`)
  }
}

/** Asks at the terminal itself, whatever the standard streams are. @throws DatError USAGE where there is none */
export async function ask(question: string, options: { hidden: boolean; signal: AbortSignal }): Promise<string> {
  const { hidden, signal } = options
  const { input, output, close } = openTerminal()
  try {
    output.write(question)
    input.setRawMode(hidden)
    return await new Promise<string>((done, fail) => {
      let typed = ''
      const onabort = (): void => fail(signal.reason)
      signal.addEventListener('abort', onabort, { once: true })
      if (signal.aborted) onabort()
      input.setEncoding('utf8')
      input.on('error', fail)
      input.on('end', () => done(typed))
      input.on('data', (text: string) => {
        for (const char of text) {
          if (ENTER.test(char)) {
            signal.removeEventListener('abort', onabort)
            return done(typed)
          }
          // Raw, the terminal does not make a signal of Ctrl-C by itself.
          if (char === '\x03') process.kill(process.pid, 'SIGINT')
          else if (char === '\x15') typed = ''
          else if (char === '\x7f' || char === '\b') typed = [...typed].slice(0, -1).join('')
          else if (char >= ' ' && typed.length < MAX_BYTES) typed += char
        }
      })
    })
  } finally {
    input.setRawMode(false)
    if (hidden) output.write('\n')
    close()
  }
}

function openTerminal(): { input: tty.ReadStream; output: NodeJS.WritableStream; close(): void } {
  if (process.platform === 'win32' && process.stdin.isTTY) {
    const input = process.stdin
    return { input, output: process.stderr, close: () => input.removeAllListeners('data').pause() }
  }
  try {
    const input = new tty.ReadStream(fs.openSync(TERMINAL, 'r'))
    const output = new tty.WriteStream(fs.openSync(TERMINAL, 'w'))
    return {
      input,
      output,
      close: () => {
        input.destroy()
        output.destroy()
      }
    }
  } catch (error) {
    throw new DatError('USAGE', 'there is no terminal to ask for the passphrase', {
      hint: 'put it into a file that only you can read, and add --passphrase-file FILE',
      cause: error
    })
  }
}
