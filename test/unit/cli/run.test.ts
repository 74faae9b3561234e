import { describe, expect, it } from 'vitest'
import { run } from '../../../src/cli/main.js'
import { LINK } from '../../helpers/events.js'
import { MemoryStream } from '../../helpers/streams.js'

async function dat(...argv: string[]) {
  const stdout = new MemoryStream()
  const stderr = new MemoryStream()
  const code = await run(argv, { DAT_BOOTSTRAP: 'none', DAT_LAN_INTERFACE: '127.0.0.1' }, { stdout, stderr })
  return { code, stdout, stderr }
}

describe('run', () => {
  it('prints help on stdout', async () => {
    const { code, stdout, stderr } = await dat()
    expect(code).toBe(2)
    expect(stdout.text).toMatch(/^Usage: dat/)
    expect(stderr.text).toBe('')
  })

  it.each([
    [['stauts'], 2],
    [['share', '--bootstrap', 'x'], 2],
    [['ls', LINK, '--timeout', 'x'], 2],
    [['clone', LINK.slice(0, -1)], 10],
    [['clone', `${LINK}+x`], 10],
    [['clone', LINK, '--version', 'x'], 2]
  ])('%j fails with exit code %d: text on stderr, and JSON on stdout if asked for', async (argv, exitCode) => {
    const text = await dat(...argv)
    expect(text.code).toBe(exitCode)
    expect(text.stdout.text).toBe('')
    expect(text.stderr.lines[0]).toMatch(/^error: /)
    expect(text.stderr.lines[1]).toMatch(/^ {2}\S/)
    expect(text.stderr.text).not.toMatch(/ at .*\.[jt]s/)
    const json = await dat(...argv, '--json')
    expect(json.code).toBe(exitCode)
    expect(json.stdout.objects).toEqual([
      expect.objectContaining({ v: 1, type: 'error', exitCode, message: expect.any(String), hint: expect.any(String) })
    ])
  })

  it('leaves no signal handler behind', async () => {
    const before = process.listenerCount('SIGINT')
    await dat('clone', `${LINK}+x`)
    expect(process.listenerCount('SIGINT')).toBe(before)
  })
})
