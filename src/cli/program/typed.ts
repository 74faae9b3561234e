import { resolve } from 'node:path'
import type { Command, Option } from 'commander'

/** How a command talks, and how it runs: not what it does. */
const MANNER = new Set([
  '--json',
  '--quiet',
  '--no-color',
  '--background',
  '--run-as',
  '--log',
  '--qr',
  '--existing',
  '--cron',
  '--all'
])

/**
 * The options that were typed for a command, as words that mean the same in any folder. So that the same can be started
 * again: in the background, or as a service.
 */
export function typedOptions(command: Command, cwd: string): string[] {
  return command.options.flatMap((option) => {
    const name = option.attributeName()
    const { long } = option
    if (!long || MANNER.has(long) || command.getOptionValueSource(name) !== 'cli') return []
    const value: unknown = command.getOptionValue(name)
    if (!option.required && !option.optional) return value === !option.negate ? [long] : []
    const values = (Array.isArray(value) ? value : [value]).filter((one) => one !== undefined)
    return values.map((one) => (one === true ? long : `${long}=${isPath(option) ? resolve(cwd, String(one)) : one}`))
  })
}

function isPath({ flags }: Option): boolean {
  return /<(?:dir|file)>$/.test(flags)
}
