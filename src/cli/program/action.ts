import type { Command } from 'commander'
import type { Context, RawOptions } from '../context.js'
import type { Invocation, Sink } from './invocation.js'

/**
 * Says what a command does when it was typed.
 * @param run gets the options and the operands, each under its own name; it loads the rest, so that nothing is loaded
 * for a command that was not typed
 */
export function action<Arguments>(
  command: Command,
  sink: Sink,
  run: (context: Context, args: RawOptions & Arguments) => ReturnType<Invocation['run']>
): void {
  command.action((...given: unknown[]) => {
    const options = command.opts<RawOptions & Arguments>()
    const operands = command.registeredArguments.map((operand, i) => [operand.name(), given[i]])
    const args = { ...options, ...Object.fromEntries(operands) }
    sink.choose({ command: command.name(), options, run: (context) => run(context, args) })
  })
}
