import type { ProgramDescription } from '../program/describe.js'
import { bashScript } from './bash.js'
import { fishScript } from './fish.js'
import { zshScript } from './zsh.js'

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript }

/** A script that completes commands, options, and names of files and folders. It runs no dat: that would be slow. */
export function completionScript(shell: Shell, program: ProgramDescription): string {
  return SCRIPTS[shell](program)
}
