import type { CommandDescription, ProgramDescription } from '../program/describe.js'

/** A file of `complete` commands. */
export function fishScript({ commands }: ProgramDescription): string {
  const lines = commands.map(({ name, description }) => {
    return `complete -c dat -n __fish_use_subcommand -f -a ${name} -d ${quote(description)}`
  })
  return `# Completion of dat for fish: dat completion fish > ~/.config/fish/completions/dat.fish
complete -c dat -n __fish_use_subcommand -a '(__fish_complete_directories)'
complete -c dat -n __fish_use_subcommand -f -l version -d 'print the version'
complete -c dat -f -s h -l help -d 'print the help'
complete -c dat -n '__fish_seen_subcommand_from help' -f -a '${commands.map(({ name }) => name).join(' ')}'
${lines.join('\n')}
${commands.flatMap(commandLines).join('\n')}
`
}

function commandLines({ name, arguments: operands, options }: CommandDescription): string[] {
  const here = `complete -c dat -n '__fish_seen_subcommand_from ${name}'`
  const operandLines = operands.map(({ choices, kind }) => {
    if (choices.length > 0) return `${here} -f -a '${choices.join(' ')}'`
    if (kind === 'file') return `${here} -F`
    return kind === 'folder' ? `${here} -f -a '(__fish_complete_directories)'` : `${here} -f`
  })
  const optionLines = options.map(({ long, short, value, kind, description }) => {
    const flags = `-l ${long.slice(2)}${short ? ` -s ${short.slice(1)}` : ''}`
    const takes = value === null ? '' : kind === 'folder' ? " -x -a '(__fish_complete_directories)'" : TAKES[kind]
    return `${here} ${flags}${takes} -d ${quote(description)}`
  })
  return [...new Set(operandLines), ...optionLines]
}

const TAKES = { file: ' -r -F', text: ' -x' }

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
