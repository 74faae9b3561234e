import type { CommandDescription, Kind, OptionDescription, ProgramDescription } from '../program/describe.js'

/** As a function file in $fpath, or sourced after `compinit`. */
export function zshScript({ commands }: ProgramDescription): string {
  const list = commands.map(({ name, description }) => `    ${quote(`${name}:${description}`)}`).join('\n')
  return `#compdef dat
# Completion of dat for zsh: dat completion zsh > ~/.zfunc/_dat

_dat() {
  local context state state_descr line
  typeset -A opt_args
  local -a commands=(
${list}
  )
  _arguments -C '(- *)--help[print the help]' '(- *)--version[print the version]' '1: :->command' '*:: :->rest'
  case $state in
    command)
      _describe -t commands command commands
      _files -/
      ;;
    rest)
      case $words[1] in
        help) _describe -t commands command commands ;;
${commands.map(commandCase).join('\n')}
      esac
      ;;
  esac
}

if [[ $funcstack[1] == _dat ]]; then
  _dat "$@"
else
  compdef _dat dat
fi
`
}

function commandCase({ name, arguments: operands, options }: CommandDescription): string {
  const specs = [
    ...options.map(optionSpec),
    quote('(- *)--help[print the help]'),
    ...operands.map((operand, i) => {
      const action = operand.choices.length > 0 ? `(${operand.choices.join(' ')})` : ACTIONS[operand.kind]
      return quote(`${i + 1}:${colonFree(operand.name)}:${action}`)
    })
  ]
  return `        ${name})
          _arguments \\
            ${specs.join(' \\\n            ')}
          ;;`
}

function optionSpec({ long, short, value, kind, description }: OptionDescription): string {
  const text = `[${description.replaceAll(/[[\]]/g, '\\$&')}]`
  const tail = value === null ? text : `${text}:${colonFree(value.replaceAll(/[<>[\]]/g, ''))}:${ACTIONS[kind]}`
  if (!short) return quote(`*${long}${tail}`)
  return `{-${short.slice(1)},${long}}${quote(tail)}`
}

const ACTIONS: Record<Kind, string> = { folder: '_files -/', file: '_files', text: ' ' }

function colonFree(text: string): string {
  return text.replaceAll(':', '\\:')
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
