import { spawn } from 'node:child_process'
import { readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { linuxStart } from '../../src/cli/background/identity.js'
import { qrCode } from '../../src/cli/ui/qr.js'
import { type Dat, type JsonEvent, Room } from '../helpers/dat.js'
import { runningShare } from '../helpers/running.js'
import { describeTree, PLAIN_TREE, writeTree } from '../helpers/trees.js'

const BIN = fileURLToPath(new URL('../../bin/dat.js', import.meta.url))

let room: Room
beforeEach(async () => {
  room = await Room.open()
  await writeTree(room.path('source'), PLAIN_TREE)
})
afterEach(async () => {
  await endAll()
  await room.close()
})

/** Nothing of a test goes on after it, whatever it was about: what runs in the background has the room in its arguments. */
async function endAll(): Promise<void> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  for (const pid of pids) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (command.includes('--run-as=background') && command.includes(room.dir)) process.kill(Number(pid), 'SIGKILL')
  }
}

/** What this room's shares say of themselves. */
async function records(): Promise<JsonEvent[]> {
  const folder = room.path('.home/running')
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json'))
  return Promise.all(names.map(async (name) => JSON.parse(await readFile(`${folder}/${name}`, 'utf8')) as JsonEvent))
}

const link = (dat: Dat) => String(dat.all('link')[0]?.link)

const processes = async () => (await room.dat(['ps']).exits(0)).all('process')

/** Looks at the records until there is one like this: a file tells nobody that it was written. */
async function recorded(fits: (record: JsonEvent) => boolean): Promise<JsonEvent> {
  for (;;) {
    const found = (await records()).find(fits)
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

describe.runIf(process.platform === 'linux')('a share in the background', () => {
  it('goes on when its terminal is gone, is there once, and ends when it is told to', async () => {
    // A pseudo-terminal whose shell ends, as with the end of ssh; `script` is the one that holds it.
    const env = { ...process.env, DAT_HOME: room.path('.home'), DAT_BOOTSTRAP: 'none', DAT_LAN_INTERFACE: '127.0.0.1' }
    const command = `${process.execPath} ${BIN} share source --background --listen 127.0.0.1:0 2>err.txt >out.txt; echo $? >code.txt`
    const terminal = spawn('script', ['-qec', command, '/dev/null'], { cwd: room.dir, env, stdio: 'ignore' })
    await new Promise((resolve) => terminal.on('close', resolve))
    expect(await readFile(room.path('code.txt'), 'utf8')).toBe('0\n')
    const printed = await readFile(room.path('out.txt'), 'utf8')
    expect(printed).toMatch(/^dat:\/\/[a-z0-9]{52}@127\.0\.0\.1:\d+\n$/)
    const told = (await readFile(room.path('err.txt'), 'utf8')).trimEnd()
    expect(told.split('\n')).toHaveLength(1)
    expect(told).toContain(`\`dat stop ${room.path('source')}\``)

    // Nothing of ours is open: no terminal, no folder, no pipe.
    const { pid, log } = await recorded(({ dir }) => dir === room.path('source'))
    const stat = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ')
    expect({ session: stat[3], terminal: stat[4] }).toEqual({ session: String(pid), terminal: '0' })
    const open = await Promise.all(['fd/0', 'fd/1', 'fd/2', 'cwd'].map((name) => readlink(`/proc/${pid}/${name}`)))
    expect(open).toEqual(['/dev/null', '/dev/null', log, '/'])
    process.kill(Number(pid), 'SIGHUP')

    const again = await room.dat(['share', 'source']).exits(0)
    expect(`${link(again)}\n`).toBe(printed)
    expect(again.all('background')).toMatchObject([{ pid, mode: 'background', already: true }])
    const text = await room.dat(['share', 'source', '--background'], { text: true }).exits(0)
    expect(text.stdout).toBe(printed)
    expect(text.stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(text.stderr).toContain(`process ${pid}`)

    await room.dat(['clone', printed.trim(), 'copy']).exits(0)
    expect(await describeTree(room.path('copy'))).toEqual(await describeTree(room.path('source')))
    const sync = await room.dat(['sync', 'copy', '--background']).exits(0)
    expect(sync.all('background')).toMatchObject([{ dir: room.path('copy'), host: hostname(), already: false }])
    await recorded((one) => one.pid === pid && one.peers === 1 && one.complete === 1 && Number(one.sentBytes) > 0)
    expect(await processes()).toMatchObject([
      { dir: room.path('source'), work: 'share', mode: 'background', running: true, pid, peers: 1, complete: 1, log },
      { dir: room.path('copy'), work: 'sync', mode: 'background', running: true }
    ])

    const written = await readFile(String(log), 'utf8')
    expect(written).toContain('has everything')
    expect(written).not.toContain(printed.slice(6, 58))
    const stopped = await room.dat(['stop', '--all']).exits(0)
    expect(stopped.all('stopped')).toMatchObject([
      { pid, dir: room.path('source'), forced: false },
      { dir: room.path('copy'), forced: false }
    ])
    expect(await linuxStart(Number(pid))).toBeNull()
    expect(await records()).toEqual([])
    expect(await readFile(String(log), 'utf8')).toMatch(/Stopped sharing\.\n$/)
  })

  it('is shown as a QR code on the terminal that asks for it, where it begins and later; neither in a pipe nor in a log', async () => {
    const env = { ...process.env, DAT_HOME: room.path('.home'), DAT_BOOTSTRAP: 'none', DAT_LAN_INTERFACE: '127.0.0.1' }
    const onTerminal = async (command: string): Promise<string> => {
      const typed = `stty cols 80; ${process.execPath} ${BIN} ${command}`
      const terminal = spawn('script', ['-qec', typed, '/dev/null'], {
        cwd: room.dir,
        env,
        stdio: ['ignore', 'pipe', 'ignore']
      })
      let text = ''
      terminal.stdout.setEncoding('utf8').on('data', (more: string) => {
        text += more
      })
      await new Promise((resolve) => terminal.on('close', resolve))
      return text.replaceAll(/\r|\x1b\[[\d;?]*[A-Za-z]/g, '')
    }
    const first = await onTerminal('share source --background --qr')
    const shared = String(/^dat:\S+/m.exec(first)?.[0])
    expect(first).toContain(`${shared}\n${qrCode(shared, 80)}\n`)
    expect(await onTerminal('share source --qr')).toContain(`${shared}\n${qrCode(shared, 80)}\n`)
    const piped = await room.dat(['share', 'source', '--qr'], { text: true }).exits(0)
    expect(piped.stdout).toBe(`${shared}\n`)
    expect(piped.stderr).not.toContain('█')
    const invited = await onTerminal('invite source --qr')
    const invite = String(/^dat:\S+/m.exec(invited)?.[0])
    expect(invited).toContain(`${invite}\n${qrCode(invite, 80)}\n`)
    const { log } = await recorded(({ dir }) => dir === room.path('source'))
    expect(await readFile(String(log), 'utf8')).not.toContain('█')
  })

  it('that cannot begin fails in the terminal, as it would there', async () => {
    const missing = await room.dat(['sync', 'source', '--background']).exits(2)
    expect(missing.all('error')).toMatchObject([{ code: 'NOT_A_CLONE' }])
    await writeFile(room.path('home'), 'in the way')
    const full = await room.dat(['share', 'source', '--background'], { env: { DAT_HOME: room.path('home') } }).exits(15)
    expect(full.all('error')[0]?.message).toContain('write the log')
  })

  it('that was killed is told of, and can be shared again', async () => {
    // As the standalone build is started: by a file that starts the program, and which names itself.
    const standalone = process.env.DAT_BIN !== undefined
    await writeFile(room.path('launcher'), `echo "$0" >${room.path('used')}; exec ${process.execPath} ${BIN} "$@"\n`)
    const env: Record<string, string> = standalone ? {} : { DAT_LAUNCHER: room.path('launcher') }
    const first = await room.dat(['share', 'source', '--background'], { env }).exits(0)
    if (!standalone) expect(await readFile(room.path('used'), 'utf8')).toBe(`${room.path('launcher')}\n`)
    const pid = Number(first.all('background')[0]?.pid)
    process.kill(pid, 'SIGKILL')
    while ((await linuxStart(pid)) !== null) await new Promise((resolve) => setTimeout(resolve, 10))
    expect(await processes()).toMatchObject([{ pid, running: false, state: 'killed' }])
    const again = await room.dat(['share', 'source', '--background']).exits(0)
    expect(link(again)).toBe(link(first))
    expect(await records()).toMatchObject([{ pid: again.all('background')[0]?.pid }])
  })
})

describe('dat stop', () => {
  it('ends a share in a terminal, and leaves alone what only has its number', async () => {
    const { share, link } = await room.share('source')
    const mine = await recorded(({ pid }) => pid === share.pid)
    expect(JSON.stringify(mine)).not.toContain(link.slice(6))
    const taken = await room.dat(['share', 'source']).exits(14)
    expect(taken.all('error')[0]?.message).toContain(`process ${share.pid} on this computer`)

    const innocent = spawn('cat', [], { stdio: ['pipe', 'ignore', 'ignore'] })
    const ended = new Promise((resolve) => innocent.on('exit', (_code, signal) => resolve(signal)))
    const put = async (id: string, fields: object) => {
      const record = runningShare({ ...mine, ...fields, id, pid: innocent.pid ?? 0, dir: room.path('elsewhere') })
      await writeFile(room.path(`.home/running/${id}.json`), JSON.stringify(record))
    }
    await put('0'.repeat(16), {})
    const gone = await room.dat(['stop', 'elsewhere', '--force']).exits(2)
    expect(gone.all('error')).toMatchObject([{ code: 'NOT_SHARED', message: expect.stringContaining('was killed') }])
    await put('1'.repeat(16), { host: 'login2', machine: 'another' })
    const other = await room.dat(['stop', 'elsewhere', '--force']).exits(14)
    expect(other.all('error')).toMatchObject([{ code: 'SHARED_ELSEWHERE', hint: expect.stringContaining('login2') }])
    await room.dat(['stop', '--all', '--force']).exits(0)
    await share.exits(130)
    expect(await processes()).toMatchObject([{ host: 'login2', running: null, dir: room.path('elsewhere') }])
    // It ends by the signal that it gets now, and had none before.
    innocent.kill('SIGUSR1')
    expect(await ended).toBe('SIGUSR1')
    const nothing = await room.dat(['stop', 'source']).exits(2)
    expect(nothing.all('error')).toMatchObject([{ code: 'NOT_SHARED' }])
    await rm(room.path('.home/running'), { recursive: true })
  })
})
