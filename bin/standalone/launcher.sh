#!/bin/sh
# dat @VERSION@ for @TARGET@, all in one file. Run it; or install it for yourself: sh dat-@VERSION@-@TARGET@ --install
# The first start unpacks it into a folder of your own; every other one starts it from there.

VERSION='@VERSION@'
TARGET='@TARGET@'
ID='@ID@'         # name of the unpacked folder: another one for other content
SUM='@SUM@'       # SHA-256 of what follows this script
OFFSET=@OFFSET@   # where that begins, counted from 1
NEEDED=@NEEDED@   # KiB that it takes, unpacked
LOADER='@LOADER@' # Linux: the dynamic loader that it brings
SIGNATURE='# added by the installer of dat'

say() { printf '%s\n' "$*" >&2; }

die() {
  say "dat: $*"
  exit 1
}

# --- where the program is unpacked --------------------------------------------------------------------------------

# Calls "$1" with the folders that it may be in, best first, until one will do. The second argument is "shared" where
# other people can put things too, and where a system removes old files one by one.
places() {
  if [ -n "${DAT_RUNTIME_DIR-}" ]; then
    "$1" "$DAT_RUNTIME_DIR" own
    return
  fi
  if [ -n "${XDG_DATA_HOME-}" ]; then "$1" "$XDG_DATA_HOME/dat/runtime" own && return; fi
  if [ -n "${HOME-}" ]; then
    "$1" "$HOME/.local/share/dat/runtime" own && return
    "$1" "${XDG_CACHE_HOME:-$HOME/.cache}/dat/runtime" own && return
  fi
  me=${me:-$(id -u)}
  "$1" "$here/.dat-runtime-$me" shared && return
  if [ -n "${XDG_RUNTIME_DIR-}" ]; then "$1" "$XDG_RUNTIME_DIR/dat-runtime" own && return; fi
  if [ -n "${TMPDIR-}" ]; then "$1" "$TMPDIR/dat-runtime-$me" shared && return; fi
  for place in /var/tmp /tmp /dev/shm; do "$1" "$place/dat-runtime-$me" shared && return; done
  return 1
}

is_ready() {
  [ -f "$1/$ID/.dat-runtime" ] && [ -O "$1/$ID" ] || return 1
  # systemd removes from /tmp what was not read for 10 days: before it can have begun, unpack again.
  [ "$2" = own ] || [ -n "$(find "$1/$ID/.dat-runtime" -mtime -5 2>/dev/null)" ] || return 1
  runtime=$1/$ID
}

# Can we have a folder of our own here, with enough room, and run programs in it?
is_usable() {
  case $1 in /*) ;; *) return 1 ;; esac
  [ "$2" = own ] || [ ! -h "$1" ] || return 1
  (umask 077 && mkdir -p "$1") 2>/dev/null || { why='cannot be written'; return 1; }
  [ -d "$1" ] && [ -w "$1" ] && [ -O "$1" ] || { why='cannot be written, or is not yours'; return 1; }
  free=$(df -Pk "$1" 2>/dev/null | { read -r _ && read -r _ _ _ free _ && echo "$free"; })
  case $free in '' | *[!0-9]*) free=$NEEDED ;; esac
  [ "$free" -ge "$NEEDED" ] || { why="has $((free / 1024)) MB left"; return 1; }
  probe=$1/.probe.$$
  printf '#!/bin/sh\nexit 0\n' 2>/dev/null >"$probe" && chmod 700 "$probe" && "$probe" 2>/dev/null
  result=$?
  rm -f "$probe"
  [ $result = 0 ] || { why='does not let programs run (noexec), or is full'; return 1; }
}

unpack() {
  why='is not an absolute path, or is a link'
  is_usable "$1" "$2" || { tried="$tried
  $1 $why"; rmdir "$1" 2>/dev/null; return 1; }
  new=$1/.new.$$
  (umask 077 && mkdir "$new") || return 1
  trap 'rm -rf "$new"' EXIT
  trap 'exit 130' INT TERM HUP
  [ -n "${quiet-}" ] || say "dat: first start, unpacking into $1"
  if tail -c +"$OFFSET" "$self" | gzip -dc | (umask 077 && cd "$new" && tar -xof -) && true >"$new/.dat-runtime"; then
    # Somebody may have done the same meanwhile. What has expired goes out of the way.
    is_ready "$1" "$2" || rm -rf "$1/${ID:?}"
    mv "$new" "$1/$ID" 2>/dev/null
    rm -rf "$new" "$1/$ID/.new.$$"
    trap - EXIT INT TERM HUP
    if is_ready "$1" "$2"; then
      prune "$1" "$2"
      return 0
    fi
  fi
  trap - EXIT INT TERM HUP
  rm -rf "$new"
  tried="$tried
  $1 became full"
  return 1
}

checksum() {
  if command -v sha256sum >/dev/null 2>&1; then sum=$(tail -c +"$OFFSET" "$self" | sha256sum)
  elif command -v shasum >/dev/null 2>&1; then sum=$(tail -c +"$OFFSET" "$self" | shasum -a 256)
  elif command -v openssl >/dev/null 2>&1; then sum=$(tail -c +"$OFFSET" "$self" | openssl dgst -sha256 -r)
  else sum=$SUM; fi # gzip has a check of its own, if a weaker one
  [ "${sum%% *}" = "$SUM" ] || die "$self is damaged: its checksum is wrong. Download it again."
}

# Leaves the folder of the runtime in $runtime.
find_runtime() {
  places is_ready && return
  unset GZIP TAR_OPTIONS CDPATH
  checksum
  tried=
  places unpack && return
  say "dat: there is no folder to unpack into. It takes $((NEEDED / 1024)) MB where programs may run. Tried:$tried"
  die 'name one that will do in DAT_RUNTIME_DIR, and run the same again'
}

# --- old ones -----------------------------------------------------------------------------------------------------

# Is a program of this folder running here, or was it started in the last week on another computer with the same home?
in_use() {
  real=$(cd -P "$1" 2>/dev/null && pwd -P) || return 1
  if [ -d /proc/self ]; then ls -l /proc/[0-9]*/exe 2>/dev/null | grep -qF -e "-> $real/" && return
  else ps -axww -o args= 2>/dev/null | grep -F -e "$1/node" -e "$real/node" | grep -qv 'grep -F' && return; fi
  read_host
  [ -n "$(find "$1/." ! -name . -prune -name '.used-*' ! -name ".used-$host" -mtime -7 2>/dev/null)" ]
}

is_runtime() { [ -f "$1/.dat-runtime" ] && [ ! -h "$1" ] && [ -O "$1" ]; }

# Removes the runtimes of other versions, and what an unpacking that was killed left.
prune() {
  for old in "$1"/*; do
    if [ "$old" != "$1/$ID" ] && is_runtime "$old" && ! in_use "$old"; then rm -rf "$old"; fi
  done
  find "$1/." ! -name . -prune -name '.new.*' -mtime +0 -exec rm -rf {} + 2>/dev/null
  return 0
}

# --- start --------------------------------------------------------------------------------------------------------

read_host() {
  host=
  if [ -r /proc/sys/kernel/hostname ]; then read -r host </proc/sys/kernel/hostname; fi
  host=${host:-here}
}

# Replaces this shell. What was meant for other programs must not reach this one.
run_node() {
  read_host
  true 2>/dev/null >"$runtime/.used-$host"
  # By what it is started again: in the background, as a service.
  DAT_LAUNCHER=$here/${self##*/} && export DAT_LAUNCHER
  unset NODE_OPTIONS NODE_PATH LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT OPENSSL_CONF OPENSSL_MODULES
  if [ -n "$LOADER" ]; then
    exec "$runtime/lib/$LOADER" --library-path "$runtime/lib" --argv0 dat "$runtime/node" "$@"
  fi
  exec "$runtime/node" "$@"
}

# --- install ------------------------------------------------------------------------------------------------------

is_ours() { [ -f "$1" ] && head -n 2 "$1" 2>/dev/null | grep -q '^# dat .* all in one file\.'; }

INSTALL_HELP="usage: sh dat-$VERSION-$TARGET --install [--bin-dir DIR] [--no-path] [--force]

  --bin-dir DIR  where the command goes (default: DAT_BIN_DIR, or ~/.local/bin)
  --no-path      leave the profile of your shell alone
  --force        replace another program of the name dat"

install_dat() {
  bin=${DAT_BIN_DIR:-${HOME:+$HOME/.local/bin}} edit=yes force= move=
  while [ $# -gt 0 ]; do
    case $1 in
      --bin-dir) [ $# -gt 1 ] || die '--bin-dir takes a folder'; bin=$2; shift ;;
      --no-path) edit= ;;
      --force) force=yes ;;
      --move) move=yes ;; # said by install.sh: this file was downloaded for nothing else
      --help | -h) printf '%s\n' "$INSTALL_HELP"; exit 0 ;;
      *) die "--install does not take $1" ;;
    esac
    shift
  done
  [ -n "$bin" ] || die 'HOME is not set: name a folder with --bin-dir DIR'
  mkdir -p "$bin" 2>/dev/null || die "cannot make $bin; name another folder with --bin-dir DIR"
  bin=$(cd "$bin" && pwd) || exit 1
  if [ -e "$bin/dat" ] || [ -h "$bin/dat" ]; then
    is_ours "$bin/dat" || [ -n "$force" ] ||
      die "$bin/dat is another program; --force replaces it, --bin-dir DIR installs beside it"
  fi
  if [ ! "$self" -ef "$bin/dat" ]; then
    next=$bin/.dat.new.$$
    trap 'rm -f "$next"' EXIT
    trap 'exit 130' INT TERM HUP
    if [ -n "$move" ]; then mv -f "$self" "$next"; else cp "$self" "$next"; fi 2>/dev/null ||
      die "cannot write to $bin, or there is no room; name another folder with --bin-dir DIR"
    chmod 755 "$next" && self=$next here=$bin
  fi
  quiet=yes
  find_runtime
  (run_node "$runtime/app/bin/dat.js" --version) >/dev/null || die 'the program does not start on this computer'
  prune "${runtime%/*}"
  if [ "$self" = "${next-}" ]; then mv -f "$next" "$bin/dat" || exit 1; fi
  trap - EXIT INT TERM HUP
  printf 'dat %s is installed: %s\n' "$VERSION" "$bin/dat"
  tell_path
}

tell_path() {
  case :$PATH: in
    *:"$bin":*)
      found=$(command -v dat) && [ "$found" != "$bin/dat" ] && say "Note: \`dat\` starts $found, which comes first in PATH."
      echo 'Try it: dat share FOLDER'
      return 0
      ;;
  esac
  if [ -n "$edit" ] && [ -n "${HOME-}" ]; then edit_profiles; fi
  echo 'Open a new terminal, or make it known in this one:'
  case ${SHELL-} in
    */fish) echo "  set -gx PATH $(quoted "$bin") \$PATH" ;;
    */csh | */tcsh) echo "  set path = ($(quoted "$bin") \$path)   # and put this line into ~/.cshrc" ;;
    *) echo "  export PATH=$(quoted "$bin"):\"\$PATH\"" ;;
  esac
}

quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"; }

# The files that the user's shell reads: all that may have our line. The second argument is the one to write to.
profiles() {
  case ${SHELL##*/} in
    zsh) "$1" "${ZDOTDIR:-$HOME}/.zshrc" ;;
    fish) "$1" "${XDG_CONFIG_HOME:-$HOME/.config}/fish/conf.d/dat.fish" fish ;;
    bash)
      "$1" "$HOME/.bashrc"
      for login in .bash_profile .bash_login .profile; do if [ -f "$HOME/$login" ]; then break; fi; done
      "$1" "$HOME/$login"
      ;;
    csh | tcsh) ;;
    *) "$1" "$HOME/.profile" ;;
  esac
}

edit_profiles() { profiles add_line; }

add_line() {
  grep -qF "$SIGNATURE" "$1" 2>/dev/null && return
  mkdir -p "${1%/*}" 2>/dev/null
  dir=$(quoted "$bin")
  if [ "${2-}" = fish ]; then line="contains $dir \$PATH; or set -gx PATH $dir \$PATH $SIGNATURE"
  else line="case :\$PATH: in *:$dir:*) ;; *) export PATH=$dir:\"\$PATH\" ;; esac $SIGNATURE"; fi
  # A last line without an end must not swallow ours.
  if [ -s "$1" ] && [ -n "$(tail -c 1 "$1")" ]; then line="
$line"; fi
  if printf '%s\n' "$line" 2>/dev/null >>"$1"; then echo "Added to PATH in $1"
  else say "Note: could not write to $1"; fi
}

# --- uninstall ----------------------------------------------------------------------------------------------------

UNINSTALL_HELP='usage: dat uninstall

Removes this program, what it unpacked, its services, and its line in the profile of your shell.
Your data stays: what you shared and downloaded, with the folder .dat in each of them.'

uninstall_dat() {
  case ${1-} in
    '') ;;
    --help | -h) printf '%s\n' "$UNINSTALL_HELP"; exit 0 ;;
    *) die "uninstall does not take $1" ;;
  esac
  bin=${DAT_BIN_DIR:-${HOME:+$HOME/.local/bin}}
  case $self in */dat) bin=$here ;; esac
  remove_services
  places none_runs
  # Before anything else: what removes it is this file.
  if is_ours "$bin/dat"; then
    rm -f "$bin/dat" || die "could not remove $bin/dat"
    echo "removed $bin/dat"
  fi
  places remove_runtimes
  if [ -n "${HOME-}" ]; then
    for file in .bashrc .bash_profile .bash_login .profile; do remove_line "$HOME/$file"; done
    remove_line "${ZDOTDIR:-$HOME}/.zshrc"
    remove_line "${XDG_CONFIG_HOME:-$HOME/.config}/fish/conf.d/dat.fish"
  fi
  echo 'Your data stays where it is: the folders that you shared or downloaded, and the index in the folder .dat of each.'
  keys=$(kept_keys)
  # Who shares now is written down there while it runs; nobody does any more.
  rmdir "${keys%/*}/running" 2>/dev/null
  if [ -d "$keys" ]; then
    echo "Also kept: $keys, with the keys of what you share. Without these and .dat a share gets another link."
  fi
  return 0
}

# What `dat service install` has made would start a program that is gone.
remove_services() {
  for file in "${XDG_CONFIG_HOME:-${HOME-}/.config}"/systemd/user/dat-*.service "${HOME-}"/Library/LaunchAgents/dat.*.plist; do
    grep -q 'dat-service: ' "$file" 2>/dev/null || continue
    name=${file##*/}
    case $name in
      *.service) systemctl --user disable --now "$name" >/dev/null 2>&1 ;;
      *) launchctl bootout "gui/$(id -u)/${name%.plist}" >/dev/null 2>&1 ;;
    esac
    rm -f "$file" && echo "removed the service $name"
  done
}

# Where dat keeps the keys of what this user shares (src/cli/context.ts).
kept_keys() {
  if [ -n "${DAT_HOME-}" ]; then
    echo "$DAT_HOME/shares"
  elif [ "$(uname -s)" = Darwin ]; then
    echo "${HOME-}/Library/Application Support/dat/shares"
  else
    case ${XDG_DATA_HOME-} in
      /*) echo "$XDG_DATA_HOME/dat/shares" ;;
      *) echo "${HOME-}/.local/share/dat/shares" ;;
    esac
  fi
}

# For `places`: goes on to the next one.
none_runs() {
  for old in "$1"/*; do
    if is_runtime "$old" && running=$(running_in "$old") && [ -n "$running" ]; then
      die "dat is running (process $running). Stop it with \`dat stop --all\`, then run \`dat uninstall\` again."
    fi
  done
  return 1
}

running_in() {
  real=$(cd -P "$1" 2>/dev/null && pwd -P) || return 1
  if [ -d /proc/self ]; then
    ls -l /proc/[0-9]*/exe 2>/dev/null | grep -F -e "-> $real/" | sed -n 's|.* /proc/\([0-9]*\)/exe.*|\1|p' | tr '\n' ' ' | sed 's/ $//'
  else
    ps -axww -o pid=,args= 2>/dev/null | grep -F -e "$1/node" -e "$real/node" | grep -v 'grep -F' | sed 's/^ *//; s/ .*//' | tr '\n' ' '
  fi
}

remove_runtimes() {
  for old in "$1"/*; do
    if is_runtime "$old"; then rm -rf "$old" && echo "removed $old"; fi
  done
  case $1 in */dat/runtime) rmdir "$1" "${1%/runtime}" ;; *) rmdir "$1" ;; esac 2>/dev/null
  return 1
}

remove_line() {
  grep -qF "$SIGNATURE" "$1" 2>/dev/null || return 0
  rest=$(grep -vF "$SIGNATURE" "$1")
  if [ -z "$rest" ]; then rm -f "$1"; else printf '%s\n' "$rest" >"$1"; fi && echo "removed its line from $1"
}

# --- the beginning ------------------------------------------------------------------------------------------------

main() {
  self=$0
  if [ ! -f "$self" ] || [ "${self#*/}" = "$self" ]; then
    case $self in
      */*) ;;
      *) if [ -f "./$self" ]; then self=./$self; else self=$(command -v -- "$self") || self=$0; fi ;;
    esac
  fi
  here=$(cd -- "${self%/*}/" 2>/dev/null && pwd) || here=${self%/*}
  case ${1-} in
    --install) shift; install_dat "$@"; exit ;;
    uninstall) shift; uninstall_dat "$@"; exit ;;
    --check-signature) shift; find_runtime; run_node "$runtime/check-signature.js" "$@" ;;
  esac
  find_runtime
  run_node "$runtime/app/bin/dat.js" "$@"
}

main "$@"
exit 1
