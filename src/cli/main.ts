import { readFileSync } from 'node:fs'
import { DatError, EXIT } from '../base/errors.js'
import { tellParent } from './background/parent.js'
import { type Context, createContext, uiOptions } from './context.js'
import { keepMemorySmall } from './memory.js'
import type { Invocation } from './program/invocation.js'
import { parse } from './program.js'
import { createOutputs, createUi, type UiStreams } from './ui/create.js'
import { explain } from './ui/error.js'
import type { Output } from './ui/output.js'
import type { Ui, UiOptions } from './ui/ui.js'

/** How long an interrupted command may take to close properly, in ms. */
const CLOSE_TIME = 2000

/**
 * Runs one command line from beginning to end and returns its exit code. Everything that was printed has left the
 * process by then; the caller exits.
 */
export async function run(argv: readonly string[], env: NodeJS.ProcessEnv, streams: UiStreams): Promise<number> {
  const { out, err } = createOutputs(streams)
  let options = earlyOptions(argv)
  let ui: Ui | null = null
  let code: number
  try {
    const parsed = parse(argv, { version: readVersion(), cwd: process.cwd(), columns: out.width })
    if ('text' in parsed) {
      out.post(parsed.text)
      return await finish(parsed.exitCode, out, err)
    }
    options = uiOptions(parsed.options)
    ui = await createUi(options, { out, err }, env)
    code = await execute(parsed, env, ui, options.runAs)
    out.check()
  } catch (error) {
    ui ??= await createUi(options, { out, err }, env)
    const explained = explain(error, options)
    ui.fail(explained)
    code = explained.exitCode
    if (options.runAs) {
      await tellParent({ type: 'failed', error: explained })
      // Who is asked to end has done as it was told: systemd and launchd start again what ended in any other way.
      if (explained.code === 'INTERRUPTED') code = EXIT.done
    }
  }
  ui.close()
  return await finish(code, out, err)
}

async function finish(code: number, out: Output, err: Output): Promise<number> {
  await Promise.all([out.flush(), err.flush()])
  return code
}

/** Before the command line is understood, an error in it must already know how to be told. */
function earlyOptions(argv: readonly string[]): UiOptions {
  const end = argv.indexOf('--')
  const flags = end === -1 ? argv : argv.slice(0, end)
  return {
    json: flags.includes('--json'),
    quiet: flags.includes('--quiet') || flags.includes('-q'),
    color: !flags.includes('--no-color'),
    debug: flags.includes('--debug')
  }
}

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

/** Runs a command under the signals: the first one closes it properly, the second ends it at once. */
async function execute(
  invocation: Invocation,
  env: NodeJS.ProcessEnv,
  ui: Ui,
  runAs: UiOptions['runAs']
): Promise<number> {
  const controller = new AbortController()
  const { signal } = controller
  const context = createContext(invocation.options, env, { cwd: process.cwd(), ui, signal })
  let bail: (error: unknown) => void = () => {}
  const emergency = new Promise<never>((_resolve, reject) => {
    bail = reject
  })
  let timer: NodeJS.Timeout | undefined
  const onsignal = () => {
    if (signal.aborted) return bail(signal.reason)
    controller.abort(interruptionOf(invocation.command))
    timer = setTimeout(() => bail(signal.reason), CLOSE_TIME)
  }
  // Without this, a command that waits for something that can never come would end with exit code 0.
  const onidle = () => bail(new Error('there is nothing left to wait for, and the command is not done'))
  // Without a terminal, SIGHUP says nothing: one that was closed elsewhere is not ours.
  const onhangup = runAs ? () => {} : onsignal
  const release = listen({ onsignal, onhangup, onbug: bail, onidle })
  const letMemoryGrow = keepMemorySmall()
  try {
    return await Promise.race([command(invocation, context), emergency])
  } finally {
    clearTimeout(timer)
    letMemoryGrow()
    release()
  }
}

/** What Ctrl-C means depends on the command: for a share it is the normal end. */
function interruptionOf(command: string): DatError {
  if (command === 'share' || command === 'sync') return new DatError('INTERRUPTED', 'stopped sharing', { hint: '' })
  if (command === 'serve') return new DatError('INTERRUPTED', 'stopped serving', { hint: '' })
  if (command === 'clone' || command === 'pull') return new DatError('INTERRUPTED', 'interrupted; what is here is kept')
  return new DatError('INTERRUPTED', 'interrupted', { hint: '' })
}

async function command(invocation: Invocation, context: Context): Promise<number> {
  try {
    return (await invocation.run(context)) ?? EXIT.done
  } catch (error) {
    // Whatever an interrupted operation fails with, the interruption is what happened.
    throw context.signal.aborted ? context.signal.reason : error
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

interface Listeners {
  onsignal(): void
  onhangup(): void
  onbug(error: unknown): void
  onidle(): void
}

function listen({ onsignal, onhangup, onbug, onidle }: Listeners): () => void {
  for (const signal of SIGNALS) process.on(signal, onsignal)
  process.on('SIGHUP', onhangup)
  process.on('uncaughtException', onbug)
  process.on('unhandledRejection', onbug)
  process.on('beforeExit', onidle)
  return () => {
    for (const signal of SIGNALS) process.off(signal, onsignal)
    process.off('SIGHUP', onhangup)
    process.off('uncaughtException', onbug)
    process.off('unhandledRejection', onbug)
    process.off('beforeExit', onidle)
  }
}
