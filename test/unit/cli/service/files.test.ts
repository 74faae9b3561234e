import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cronLine } from '../../../../src/cli/service/cron.js'
import { serviceEnvironment } from '../../../../src/cli/service/environment.js'
import { listInstalled, writeService } from '../../../../src/cli/service/installed.js'
import { launchdPlist } from '../../../../src/cli/service/launchd.js'
import { lingerText } from '../../../../src/cli/service/linger.js'
import { readNote, type ServiceSpec } from '../../../../src/cli/service/spec.js'
import { systemdUnit } from '../../../../src/cli/service/systemd.js'

/** Names of folders that have meant something to one of the formats. */
const NAMES = [
  '/data/soil-2026',
  '/data/two words',
  '/data/100% of %h %%',
  '/data/$HOME $\u007bHOME} $$',
  '/data/"quoted" \'too\'',
  '/data/back\\slash \\n \\x41\\',
  '/data/ends with \\',
  '/data/a\\%b \\\\%',
  '/data/new\nline\tand tab',
  '/data/<b>&amp;--> </string>',
  '/data/; touch x # `id` | a > b',
  '/data/-dash',
  '/data/Bodenproben Übersee 数据',
  '/data/{"dir":"/etc"}'
]

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dat-service-'))
})
afterEach(() => rm(folder, { recursive: true }))

function spec(dir: string): ServiceSpec {
  const command = ['/bin/echo', 'share', `--ignore=${dir}`, '--', dir]
  return { name: 'dat-x.service', dir, work: 'share', command, environment: { DAT_HOME: dir } }
}

const has = (program: string) => ['/bin', '/usr/bin'].some((dir) => existsSync(join(dir, program)))

describe('a unit of systemd', () => {
  it.each(NAMES)('says %j as it is', (dir) => {
    const text = systemdUnit(spec(dir))
    const lines = text.trimEnd().split('\n')
    expect(lines.filter((line) => line !== '' && !/^(?:#|\[\w+\]$|\w+=)/.test(line))).toEqual([])
    const value = (key: string) => lines.find((line) => line.startsWith(`${key}=`))?.slice(key.length + 1) ?? ''
    const words = wordsOf(value('ExecStart'))
    expect([words[0], ...words.slice(1).map((word) => word.replaceAll('$$', '$'))]).toEqual(spec(dir).command)
    for (const word of words.slice(1)) expect(word.replaceAll('$$', '')).not.toContain('$')
    expect(wordsOf(value('Environment'))).toEqual([`DAT_HOME=${dir}`])
    expect(readNote(text)).toEqual({ dir, work: 'share' })
  })

  it.skipIf(!has('systemd-analyze'))('is one that systemd takes, whatever the name', async () => {
    const files = NAMES.map((_, i) => join(folder, `dat-${i}.service`))
    for (const [i, dir] of NAMES.entries()) await writeFile(files[i] ?? '', systemdUnit(spec(dir)))
    const env = { ...process.env, XDG_RUNTIME_DIR: folder }
    const said = execFileSync('systemd-analyze', ['verify', '--user', ...files], {
      env,
      encoding: 'utf8',
      stdio: 'pipe'
    })
    expect(said).toBe('')
  })
})

/** Words between quotes as systemd.syntax(7) reads them, with the specifiers of systemd.unit(5). */
function wordsOf(value: string): string[] {
  expect(value).toMatch(/^"(?:[^"\\]|\\.)*"(?: "(?:[^"\\]|\\.)*")*$/)
  return [...value.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = '']) => {
    expect(word.replaceAll('%%', '')).not.toContain('%')
    return word
      .replace(/\\(?:x([0-9a-f]{2})|(.))/g, (_all, hex: string | undefined, char: string) =>
        hex ? String.fromCharCode(Number.parseInt(hex, 16)) : ({ n: '\n', t: '\t' }[char] ?? char)
      )
      .replaceAll('%%', '%')
  })
}

describe('a property list of launchd', () => {
  it.each(NAMES)('says %j as it is', (dir) => {
    const text = launchdPlist(spec(dir))
    const strings = [...text.matchAll(/<string>([^<]*)<\/string>/g)].map(([, one = '']) => unescapeXml(one))
    const { command } = spec(dir)
    expect(strings).toEqual(['dat-x.service', ...command, dir, '/'])
    expect(readNote(text)).toEqual({ dir, work: 'share' })
    expect(/<!--(.*?)-->/.exec(text)?.[1]).not.toMatch(/--/)
  })

  it.skipIf(!has('python3'))('is one that a parser of property lists takes', async () => {
    const read =
      'import json, plistlib, sys; print(json.dumps([plistlib.loads(t.encode()) for t in json.load(sys.stdin)]))'
    const input = JSON.stringify(NAMES.map((dir) => launchdPlist(spec(dir))))
    expect(JSON.parse(execFileSync('python3', ['-c', read], { input, encoding: 'utf8' }))).toEqual(
      NAMES.map((dir) => ({
        Label: 'dat-x.service',
        ProgramArguments: spec(dir).command,
        EnvironmentVariables: { DAT_HOME: dir },
        WorkingDirectory: '/',
        RunAtLoad: true,
        KeepAlive: { SuccessfulExit: false },
        ThrottleInterval: 30
      }))
    )
  })

  it('refuses what XML cannot say', () => {
    expect(() => launchdPlist(spec('/data/\u0001'))).toThrow(/control characters/)
  })
})

function unescapeXml(text: string): string {
  const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"' }
  return text.replace(/&(?:#(\d+)|(\w+));/g, (_all, code: string | undefined, name: string) =>
    code ? String.fromCharCode(Number(code)) : (entities[name] ?? '')
  )
}

describe('a line for crontab', () => {
  it.each(NAMES.filter((dir) => !dir.includes('\n')))('starts the same for %j', async (dir) => {
    const show = join(folder, 'show')
    await writeFile(show, '#!/bin/sh\nprintf "%s\\n" "$DAT_HOME" "$@" >"$0.txt"\necho link\n', { mode: 0o755 })
    const line = cronLine({ command: [show, '--', dir], environment: { DAT_HOME: dir } })
    expect(execFileSync('/bin/sh', ['-c', asCronReads(line)], { encoding: 'utf8' })).toBe('')
    expect((await readFile(`${show}.txt`, 'utf8')).split('\n')).toEqual([dir, '--', dir, ''])
  })

  it('refuses a line break', () => {
    expect(() => cronLine({ command: ['/dat', 'a\nb'], environment: {} })).toThrow(/line break/)
  })
})

/** The command of a line, as cron finds it: to the first percent sign without a backslash before it. */
function asCronReads(line: string): string {
  let command = ''
  let escaped = false
  for (const char of line.replace(/^@reboot /, '')) {
    if (char === '%' && !escaped) return command
    command = (char === '%' ? command.slice(0, -1) : command) + char
    escaped = char === '\\' && !escaped
  }
  return command
}

it('services that are installed are known by their folders, and files of others are left alone', async () => {
  const manager = { folder, fileOf: (name: string) => join(folder, name), text: systemdUnit }
  const file = await writeService(manager as never, spec('/data/two "words"'))
  await writeFile(join(folder, 'dat-other.service'), '[Service]\nExecStart=/usr/bin/dat\n')
  await writeFile(join(folder, 'other.service'), await readFile(file))
  expect(await listInstalled(manager)).toEqual([
    { name: 'dat-x.service', dir: '/data/two "words"', work: 'share', file }
  ])
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(await listInstalled({ folder: join(folder, 'nowhere') })).toEqual([])
})

it('a service gets what dat reads of the environment, and no password', () => {
  const env = {
    DAT_HOME: 'mine',
    DAT_RELAY: 'wss://relay.example.org',
    HTTPS_PROXY: 'http://anna:secret@proxy:3128',
    http_proxy: 'http://proxy:3128',
    NO_PROXY: 'example.org',
    NODE_EXTRA_CA_CERTS: 'ca.pem',
    AWS_SECRET: 'x',
    DAT_BOOTSTRAP: ''
  }
  expect(serviceEnvironment(env, '/work/mine', '/work')).toEqual({
    kept: {
      DAT_HOME: '/work/mine',
      DAT_RELAY: 'wss://relay.example.org',
      http_proxy: 'http://proxy:3128',
      NO_PROXY: 'example.org',
      NODE_EXTRA_CA_CERTS: '/work/ca.pem'
    },
    withheld: ['HTTPS_PROXY']
  })
  expect(serviceEnvironment({}, '/home/anna/.local/share/dat', '/')).toEqual({ kept: {}, withheld: [] })
})

it('lingering is explained where it is off, or not known', () => {
  expect(lingerText(true, '/data')).toHaveLength(1)
  for (const linger of [false, null]) {
    const text = lingerText(linger, '/data/two words').join('\n')
    expect(text).toMatch(/loginctl enable-linger\n/)
    expect(text).toContain("dat service install '/data/two words' --cron")
  }
})
