import fs from 'node:fs'
import { DatError } from '../../base/errors.js'

/** More than the longest link; what comes after the first line is not read. */
const MAX_LINK_BYTES = 8192

/**
 * The link as it was typed, or `-` for the first line of standard input: so it is never among the arguments, which
 * everybody on the same computer may read.
 * @throws DatError USAGE when nothing comes; what `signal` was aborted with
 */
export async function readLinkText(argument: string, signal: AbortSignal): Promise<string> {
  if (argument !== '-') return argument
  let text = ''
  for await (const chunk of fs.createReadStream('', { fd: 0, autoClose: false, encoding: 'utf8', signal })) {
    text += chunk
    if (text.includes('\n') || text.length > MAX_LINK_BYTES) break
  }
  const line = (text.split('\n')[0] ?? '').slice(0, MAX_LINK_BYTES).trim()
  if (line !== '') return line
  throw new DatError('USAGE', 'no link came from standard input', {
    hint: 'for example: dat clone - < file-with-the-link'
  })
}
