import { LogFile } from '../background/log-file.js'
import { Output, type OutputStream } from './output.js'
import { createPaint } from './paint.js'
import type { Ui, UiOptions } from './ui.js'

export interface UiStreams {
  stdout: OutputStream
  stderr: OutputStream
}

/** Both streams, wrapped once per process so that each error handler is installed once. */
export interface Outputs {
  out: Output
  err: Output
}

export function createOutputs(streams: UiStreams): Outputs {
  return { out: new Output(streams.stdout), err: new Output(streams.stderr) }
}

/** A log that cannot be written is no reason not to share. */
function openLog({ log }: UiOptions, err: Output): Output {
  try {
    return log === undefined ? err : new Output(new LogFile(log))
  } catch {
    return err
  }
}

/**
 * Chooses the renderer: JSON if asked for, else a redrawn display if stderr is a terminal that can, else plain lines.
 * @param env for `NO_COLOR`, `TERM` and the locale
 */
export async function createUi(options: UiOptions, outputs: Outputs, env: NodeJS.ProcessEnv): Promise<Ui> {
  const { out, err } = outputs
  if (options.runAs) {
    const { LogUi } = await import('./log.js')
    const log = openLog(options, err)
    return new LogUi(log, { debug: options.debug, errors: options.runAs === 'service' && log !== err ? err : null })
  }
  const terminal = err.isTerminal && env.TERM !== 'dumb'
  const paint = await createPaint(terminal && options.color && !env.NO_COLOR)
  if (options.json) {
    const { JsonUi } = await import('./json.js')
    return new JsonUi(out, err, paint)
  }
  const style = { paint, debug: options.debug, quiet: options.quiet, unicode: speaksUnicode(env) }
  if (terminal && !options.quiet) {
    const { TtyUi } = await import('./tty.js')
    return new TtyUi(out, err, style)
  }
  const { PlainUi } = await import('./plain.js')
  return new PlainUi(out, err, style)
}

function speaksUnicode(env: NodeJS.ProcessEnv): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || ''
  return /utf-?8/i.test(locale) || Boolean(env.WT_SESSION)
}
