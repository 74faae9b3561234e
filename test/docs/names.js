import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { promisify } from 'node:util'
import { DAT } from '../bench/dat.js'
import { Document, ROOT } from './markdown.js'

/** Whether what the documents name is there: commands and their options, npm scripts, variables, files, headings. */

const run = promisify(execFile)
/** Named in the documents as what is not there yet. */
const PLANNED = []
/** Those that the help does not name. */
const HIDDEN = { commands: ['help', 'man'], options: ['--lan-interface', '--version', '--help', '-h', '-V'] }
/** Those in which an option that stands alone is one of dat; elsewhere it may be one of a test. */
const OPTIONS_ALONE = ['README', 'docs/guide', 'docs/hpc', 'docs/networks', 'docs/relay', 'docs/troubleshooting'].map(
  (name) => `${name}.md`
)
const FOLDERS = ['docs', 'docs/adr', 'docs/protocol', 'test/netlab', 'test/faults']

export async function names({ tally, documents }) {
  const program = await Program.ask()
  for (const name of PLANNED) if (program.commands.has(name)) tally.judge('names', `dat ${name} is planned no longer`)
  const variables = await variablesOfSources()
  for (const path of documents ?? (await everyDocument())) {
    const document = await Document.read(path)
    const complaints = [
      ...(await wrongCommands(document, program)),
      ...wrongVariables(document, variables),
      ...(await wrongLinks(document))
    ]
    tally.judge(`names in ${path}`, complaints.length === 0 ? null : complaints.join('; '))
  }
}

async function everyDocument() {
  const found = ['README.md']
  for (const folder of FOLDERS)
    for (const name of await readdir(join(ROOT, folder))) if (name.endsWith('.md')) found.push(join(folder, name))
  return found
}

/** What the program and the npm scripts say of themselves. */
class Program {
  commands = new Map()
  #scripts = new Map()

  static async ask() {
    const program = new Program()
    program.manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
    const { stdout } = await run(process.execPath, [DAT, 'help'])
    const listed = [...stdout.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name)
    listed.push(...(/^More commands: (.*)$/m.exec(stdout)?.[1]?.split(', ') ?? []))
    for (const name of listed) program.commands.set(name, optionsIn(await help(DAT, ['help', name])))
    return program
  }

  /** What is wrong with the words behind `dat`; null when nothing is. */
  complaint(words) {
    const command = words.find((word) => !word.startsWith('-'))
    if (PLANNED.includes(command)) return null
    const known = this.commands.get(command)
    if (!known && !HIDDEN.commands.includes(command) && /^[a-z]+$/.test(command ?? ''))
      return `there is no command ${command}`
    const every = new Set([...(known ?? [...this.commands.values()].flatMap((options) => [...options]))])
    const wrong = optionsIn(words.join(' '))
    for (const option of [...every, ...HIDDEN.options]) wrong.delete(option)
    return wrong.size === 0 ? null : `dat ${command ?? ''} has no ${[...wrong].join(', ')}`
  }

  /** The same for options that stand alone: some command has to have each. */
  optionsComplaint(text) {
    const wrong = [...optionsIn(text)].filter(
      (option) => !HIDDEN.options.includes(option) && ![...this.commands.values()].some((known) => known.has(option))
    )
    return wrong.length === 0 ? null : `no command has ${wrong.join(', ')}`
  }

  /** The same for `npm run NAME -- OPTIONS`. */
  async scriptComplaint(name, options) {
    const script = this.manifest.scripts[name]
    if (script === undefined) return `there is no npm script ${name}`
    if (options.size === 0) return null
    const file = /node (\S+)$/.exec(script)?.[1]
    if (!file) return `npm run ${name} takes no options`
    if (!this.#scripts.has(file)) this.#scripts.set(file, optionsIn(await help(join(ROOT, file), ['--help'])))
    const wrong = [...options].filter((option) => option !== '--help' && !this.#scripts.get(file).has(option))
    return wrong.length === 0 ? null : `npm run ${name} has no ${wrong.join(', ')}`
  }
}

async function help(file, args) {
  return (await run(process.execPath, [file, ...args])).stdout
}

/** The long options in a text. */
function optionsIn(text) {
  return new Set([...text.matchAll(/(?<![\w-])--?[a-z][a-z-]*/g)].map(([option]) => option))
}

async function wrongCommands(document, program) {
  const complaints = []
  for (const { line, text } of commandLines(document)) {
    const dat = /^dat ([^|]*)/.exec(text)
    const npm = /^npm run (?:--silent )?([\w:]+)(?: -- (.*))?$/.exec(text)
    let why = null
    if (dat) why = program.complaint(dat[1].split(/\s+/))
    else if (/^--?[a-z]/.test(text) && OPTIONS_ALONE.includes(document.path)) why = program.optionsComplaint(text)
    else if (npm) why = await program.scriptComplaint(npm[1], optionsIn(npm[2] ?? ''))
    if (why) complaints.push(`line ${line}: ${why}`)
  }
  return complaints
}

/** What one types, in blocks and in running text, without comments. */
function* commandLines({ blocks, spans }) {
  for (const { kind, text, line } of blocks) {
    const lines = text.split('\n')
    for (let i = 0; i < lines.length; i++) {
      const typed = kind === 'sh' ? lines[i] : /^\$ (.*)$/.exec(lines[i])?.[1]
      const words = typed?.replace(/\s+#.*$/, '').trim()
      for (const part of words?.split(/ \|\|? | && |; /) ?? []) yield { line: line + i + 1, text: part.trim() }
    }
  }
  yield* spans
}

async function variablesOfSources() {
  const found = new Set()
  for (const folder of ['src', 'bin', 'test']) {
    for (const name of await readdir(join(ROOT, folder), { recursive: true })) {
      if (!/\.(?:[jt]s|sh|ps1)$/.test(name) || name.startsWith('docs')) continue
      const text = await readFile(join(ROOT, folder, name), 'utf8')
      for (const [variable] of text.matchAll(/\bDAT_[A-Z_]+\b/g)) found.add(variable)
    }
  }
  return found
}

function wrongVariables({ lines }, variables) {
  const complaints = []
  for (const [index, line] of lines.entries())
    for (const [variable] of line.matchAll(/\bDAT_[A-Z_]+\b/g))
      if (!variables.has(variable)) complaints.push(`line ${index + 1}: nothing reads ${variable}`)
  return complaints
}

async function wrongLinks({ path, links }) {
  const complaints = []
  for (const { line, target } of links) {
    if (/^[a-z]+:/.test(target)) continue
    const [file, heading] = target.split('#')
    const there = file === '' ? path : normalize(join(dirname(path), file))
    if (!existsSync(join(ROOT, there))) complaints.push(`line ${line}: there is no ${there}`)
    else if (heading && !(await Document.read(there)).headings.has(heading))
      complaints.push(`line ${line}: ${there} has no heading ${heading}`)
  }
  return complaints
}
