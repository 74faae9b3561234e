import type { CommandDescription, ProgramDescription } from '../program/describe.js'

/** For bash 3.2 (macOS) and newer, with or without the bash-completion package. */
export function bashScript({ commands }: ProgramDescription): string {
  const names = [...commands.map(({ name }) => name), 'help', '--help', '--version'].join(' ')
  return `# Completion of dat for bash: dat completion bash >> ~/.bash_completion
_dat() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} command='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in
      -*) ;;
      *) command=$word; break ;;
    esac
  done
  COMPREPLY=()
  if [[ -z $command ]]; then
    COMPREPLY=($(compgen -W '${names}' -- "$current"))
    [[ $current == -* ]] || COMPREPLY+=($(compgen -d -- "$current"))
    return
  fi
  case $command in
    help) COMPREPLY=($(compgen -W '${commands.map(({ name }) => name).join(' ')}' -- "$current")) ;;
${commands.map(commandCase).join('\n')}
  esac
}
complete -o filenames -F _dat dat
`
}

function commandCase({ name, arguments: operands, options }: CommandDescription): string {
  const flagsOf = (chosen: typeof options) =>
    chosen.flatMap(({ long, short }) => (short ? [short, long] : [long])).join('|')
  const valued = options.filter(({ value }) => value !== null)
  const cases = (['folder', 'file', 'text'] as const).flatMap((kind) => {
    const flags = flagsOf(valued.filter((option) => option.kind === kind))
    return flags === '' ? [] : [`        ${flags}) ${COMPLETE[kind]} ;;`]
  })
  const choices = operands.flatMap((operand) => [...operand.choices])
  const kinds = new Set(operands.map(({ kind }) => kind))
  const names = COMPLETE[kinds.has('file') ? 'file' : kinds.has('folder') ? 'folder' : 'text']
  const words = `COMPREPLY${kinds.has('folder') ? '+' : ''}=($(compgen -W '${choices.join(' ')}' -- "$current"))`
  const rest = choices.length === 0 ? names : kinds.has('folder') ? `${names}; ${words}` : words
  const all = [...options.flatMap(({ long, short }) => (short ? [short, long] : [long])), '--help'].join(' ')
  return `    ${name})
      case $previous in
${[...cases, `        *) if [[ $current == -* ]]; then COMPREPLY=($(compgen -W '${all}' -- "$current")); else ${rest}; fi ;;`].join('\n')}
      esac ;;`
}

const COMPLETE = {
  folder: 'COMPREPLY=($(compgen -d -- "$current"))',
  file: 'COMPREPLY=($(compgen -f -- "$current"))',
  text: ':'
}
