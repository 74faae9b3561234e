import type { Context, RawOptions } from '../context.js'

/** A command line that was understood. */
export interface Invocation {
  command: string
  options: RawOptions
  /** Resolves to the exit code, if it is another one than 0. */
  // biome-ignore lint/suspicious/noConfusingVoidType: most commands return nothing
  run(context: Context): Promise<number | void>
}

/** Or one that only asks for a text. */
export interface HelpText {
  text: string
  exitCode: number
}

export interface ParseOptions {
  version: string
  cwd: string
  /** Columns for help texts. */
  columns: number
}

/** Where a command line ends: in a text, or in a command to run. */
export interface Sink {
  write(text: string): void
  choose(invocation: Invocation): void
}
