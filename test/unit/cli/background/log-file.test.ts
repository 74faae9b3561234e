import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { LogFile } from '../../../../src/cli/background/log-file.js'
import { logFile, placeName } from '../../../../src/cli/background/place-name.js'
import { LogUi } from '../../../../src/cli/ui/log.js'
import { Output } from '../../../../src/cli/ui/output.js'
import { EVENTS } from '../../../helpers/events.js'

let dir = ''
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'dat-log-'))
})
afterEach(() => rm(dir, { recursive: true }))

const text = (file: string) => readFile(file, 'utf8')

it('a log is for the user alone, and goes on where it was', async () => {
  const file = logFile(dir, '/data/soil')
  for (const line of ['one\n', 'two\n']) {
    const log = new LogFile(file)
    log.end(line)
    await once(log, 'close')
  }
  expect(await text(file)).toBe('one\ntwo\n')
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect((await stat(join(dir, 'logs'))).mode & 0o777).toBe(0o700)
})

it('a log never has more bytes than twice its bound', async () => {
  const file = join(dir, 'a.log')
  const log = new LogFile(file, 100)
  for (let i = 0; i < 50; i++) {
    log.write(`line ${String(i).padStart(4)}\n`)
    const sizes = await Promise.all(
      [file, `${file}.1`].map((one) =>
        stat(one).then(
          ({ size }) => size,
          () => 0
        )
      )
    )
    for (const size of sizes) expect(size).toBeLessThanOrEqual(100)
  }
  log.destroy()
  expect(await text(file)).toMatch(/line {3}49\n$/)
  expect(await text(`${file}.1`)).toMatch(/^line/)
})

it.runIf(process.platform === 'linux')('a full disk does not end what is logged', async () => {
  const file = join(dir, 'full.log')
  await symlink('/dev/full', file)
  const log = new LogFile(file)
  const written = new Promise((resolve) => log.write('lost\n', resolve))
  expect(await written).toBeFalsy()
  log.destroy()
})

it('no link gets into a log, by whatever way', async () => {
  const file = join(dir, 'a.log')
  const ui = new LogUi(new Output(new LogFile(file)), { debug: true, errors: null })
  ui.begin('share', { timeout: null })
  ui.event(EVENTS.link)
  ui.event({ type: 'note', message: `from ${EVENTS.link.link}`, important: true })
  ui.event(EVENTS.imported)
  ui.fail({ code: 'BUG', message: EVENTS.link.key, hint: '', exitCode: 1, failures: [], stack: EVENTS.link.link })
  const log = await text(file)
  expect(log).not.toContain(EVENTS.link.key)
  expect(log).toContain(EVENTS.link.dir)
  expect(log).toMatch(/Shared: 12 files/)
  for (const line of log.trimEnd().split('\n')) expect(line).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z /)
})

it('a folder has a name that no other one has, of harmless letters', () => {
  for (const one of ['/a/b c', '/a/..', '/', '/x/-rf', '/x/ä\n$(x)', `/x/${'y'.repeat(200)}`]) {
    expect(placeName(one)).toMatch(/^[\w][\w.-]{0,40}$/)
  }
  expect(placeName('/a/soil')).not.toBe(placeName('/b/soil'))
  expect(placeName('/a/soil')).toMatch(/^soil-/)
})
