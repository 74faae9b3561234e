import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { fuzz } from '../fuzz/fuzz.js'
import { PARSERS } from '../fuzz/parsers.js'

const SOURCE = fileURLToPath(new URL('../../src', import.meta.url))
/** Of each parser here; `npm run test:fuzz` has a million. */
const INPUTS = 2000
/** What these read comes from nobody else, or is read by the parser that is named. */
const TRUSTED: Record<string, string> = {
  'cli/main.ts': 'its own package.json',
  'cli/commands/arguments.ts':
    'the arguments of whoever runs it; links and addresses by the parsers of base and transport',
  'cli/context.ts': 'the same, and the environment',
  'cli/program.ts': 'the same',
  'cli/relay-access.ts': 'the same',
  'core/address-space.ts': 'what the kernel says of this process',
  'core/kept-share.ts': 'what dat itself keeps in the folder of the user that nobody else may read',
  'diagnostics/clock.ts': 'evidence, made by the probes here',
  'diagnostics/reading.ts': 'evidence, made by the probes here',
  'gateway/details-reply.ts': 'any bytes, as text; tables by the parser of gateway/delimited.ts',
  'storage/read-fully.ts': 'bytes, whatever they are',
  'transport/relay/server/remote-handshake.ts': 'hyperdht decodes; a failure is that of one handshake'
}

const parsers: Record<string, { files: string[] }> = PARSERS

it.each(Object.keys(parsers))('%s refuses what it does not understand, and does nothing worse', async (name) => {
  await fuzz(name, parsers[name], { inputs: INPUTS, seed: 1 })
})

it('no file that parses is forgotten', async () => {
  const covered = new Set(Object.values(parsers).flatMap(({ files }) => files))
  const files = (await readdir(SOURCE, { recursive: true })).filter((name) => name.endsWith('.ts')).sort()
  const parsing: string[] = []
  for (const file of files) {
    const text = await readFile(join(SOURCE, file), 'utf8')
    const parses =
      /JSON\.parse|\bc\.(?:json|raw|uint|utf8|buffer|decode)\b|\.decode\(|readU?Int|export function (?:parse|read|decode|is[A-Z]\w*Valid)/
    if (parses.test(text)) parsing.push(file.replaceAll('\\', '/'))
  }
  expect(parsing.filter((file) => !covered.has(file) && !(file in TRUSTED))).toEqual([])
  // And none is named that is not there.
  for (const file of covered) expect(files).toContain(file)
})
