import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type JsonEvent, Room } from '../helpers/dat.js'

const BIN = fileURLToPath(new URL('../../bin/dat.js', import.meta.url))
const SCRIPT = fileURLToPath(new URL('service.sh', import.meta.url))

let room: Room
beforeEach(async () => {
  room = await Room.open()
})
afterEach(() => room.close())

const NAME = '100% $HOME "q"\nit\\x41s'
const real =
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  ['/lib/systemd/systemd', '/usr/bin/systemctl', '/usr/bin/unshare'].every(existsSync)

describe.runIf(real)('with the systemd of this computer, in namespaces of its own', () => {
  it('a service shares a folder of any name, ends when it is stopped, and leaves nothing', async (test) => {
    await mkdir(room.path(NAME))
    await writeFile(room.path(NAME, 'a.csv'), 'a,b\n')
    const args = ['--fork', '--pid', '--mount-proc', '--kill-child', '--mount', '--cgroup', '--net']
    const { code, stdout, stderr } = await new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
      const command = [...args, 'sh', SCRIPT, room.dir, `${process.execPath} ${BIN}`]
      execFile('unshare', command, { timeout: 80_000 }, (error, stdout, stderr) => {
        resolve({ code: error ? error.code : 0, stdout, stderr })
      })
    })
    // Where no namespace of this kind can be made there is nothing to test.
    if (code === 77 || /unshare:/.test(stderr)) return test.skip()
    const steps = new Map(
      stdout.split(/^== (?=[a-z]+$)/m).map((text) => [text.split('\n')[0], text.split('\n').slice(1)])
    )
    const events = (step: string) =>
      (steps.get(step) ?? []).filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as JsonEvent)
    for (const [step, lines] of steps)
      if (step) expect([step, lines.join('\n')]).toEqual([step, expect.stringContaining('== exit 0')])
    const [link, installed] = events('install')
    expect([link, installed]).toMatchObject([
      { type: 'link', dir: room.path(NAME) },
      { type: 'service', dir: room.path(NAME), work: 'share', active: true }
    ])
    expect(events('link')).toMatchObject([{ link: link?.link }, { type: 'background', mode: 'service', already: true }])
    expect(events('list')).toMatchObject([{ type: 'service', name: installed?.name, active: true }])
    expect(events('stop')).toMatchObject([{ type: 'stopped', forced: false }])
    expect(steps.get('state')).toEqual(
      expect.arrayContaining(['ActiveState=inactive', 'Result=success', 'NRestarts=0'])
    )
    expect(events('remove')).toMatchObject([{ type: 'service.removed', dir: room.path(NAME) }])
    expect(events('ps')).toEqual([])
    expect(await readdir(room.path('home/.config/systemd/user'))).not.toContain(installed?.name)
    const logs = await readdir(room.path('home/.local/share/dat/logs'))
    for (const name of logs) {
      expect(await readFile(room.path('home/.local/share/dat/logs', name), 'utf8')).not.toContain(link?.key)
    }
    expect(logs).toHaveLength(1)
  })
})

describe.runIf(process.platform === 'linux')('dat service', () => {
  /** No session of systemd is to be found from here. */
  const env = () => ({ HOME: room.path('home'), XDG_CONFIG_HOME: '', XDG_RUNTIME_DIR: room.path('nowhere') })

  it('says what to type where the manager of the user cannot be reached', async () => {
    await mkdir(room.path('bin'))
    await mkdir(room.path('data'))
    const systemctl = room.path('bin/systemctl')
    await writeFile(systemctl, '#!/bin/sh\n[ "$1" = --version ] || { echo "Failed to connect to bus" >&2; exit 1; }\n')
    await chmod(systemctl, 0o755)
    const PATH = `${room.path('bin')}:${process.env.PATH}`
    const dat = await room.dat(['service', 'install', 'data'], { env: { ...env(), PATH } }).exits(3)
    const [error] = dat.all('error')
    expect(error?.message).toContain('Failed to connect to bus')
    expect(error?.hint).toMatch(/systemctl --user daemon-reload && systemctl --user enable --now dat-data-\w+\.service/)
    const [unit] = await readdir(room.path('home/.config/systemd/user'))
    expect(await readFile(room.path('home/.config/systemd/user', unit ?? ''), 'utf8')).toContain('"--existing"')
    // The launcher of the standalone build removes services itself: test/standalone has it.
    if (process.env.DAT_BIN) return
    const uninstall = await room.dat(['uninstall'], { env: { ...env(), PATH } }).exits(2)
    expect(uninstall.all('error')[0]?.hint).toContain(`dat service remove --all\` (${unit})`)
  })

  it('has a line for cron, which shares what was shared before and nothing else', async () => {
    await mkdir(room.path('data'))
    const { share } = await room.share('data', ['--ignore', '*.b%m', '--no-lan'])
    const cron = await room.dat(['service', 'install', 'data', '--cron'], { env: env() }).exits(0)
    await share.stop()
    const line = String(cron.all('service.cron')[0]?.line)
    expect(line).toMatch(
      /^@reboot DAT_HOME=.* share '?--ignore=\*\.b\\%m'? --no-lan --existing --background --quiet -- /
    )
    // The disk that has the folder is not mounted: an empty folder is in its place.
    await mkdir(room.path('empty'))
    const empty = await room.dat(['share', 'empty', '--existing'], { env: env() }).exits(2)
    expect(empty.all('error')).toMatchObject([{ code: 'NOT_A_CLONE' }])
    expect(await readdir(room.path('empty'))).toEqual([])
    const none = await room.dat(['service', 'remove', 'data'], { env: env() }).exits(2)
    expect(none.all('error')).toMatchObject([{ code: 'NOT_SHARED' }])
  })
})
