#!/bin/sh
# Installs dat @VERSION@ for you alone, without root:   curl -fsSL URL/install.sh | sh
#   DAT_BASE_URL   where the files are: a URL, or a folder (default: where they were published, or beside this file)
#   DAT_BIN_DIR    where the command goes (default: ~/.local/bin)
# Options are passed on to the installation: `… | sh -s -- --help` shows them.
set -u

VERSION='@VERSION@'
BASE_URL='@BASE_URL@'
PUBLIC_KEY='@PUBLIC_KEY@' # minisign's; empty: this release is not signed
SUMS='
@SUMS@
'

die() {
  printf 'dat: %s\n' "$*" >&2
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# What this computer needs.
target() {
  case $(uname -s) in
    Linux) os=linux ;;
    Darwin) os=darwin ;;
    *) die "there is no build for $(uname -s); on Windows use install.ps1" ;;
  esac
  case $(uname -m) in
    x86_64 | amd64) arch=x64 ;;
    aarch64 | arm64) arch=arm64 ;;
    *) die "there is no build for $(uname -m)" ;;
  esac
  # A 32-bit system on a 64-bit kernel.
  if [ "$os" = linux ] && [ "$(getconf LONG_BIT 2>/dev/null)" = 32 ]; then die 'there is no build for 32 bits'; fi
  # A shell that Rosetta translates says x86_64.
  if [ "$os" = darwin ] && [ "$(sysctl -n hw.optional.arm64 2>/dev/null)" = 1 ]; then arch=arm64; fi
  echo "$os-$arch"
}

# fetch NAME FILE. Written by this shell, as a curl from a snap may not write to a hidden folder.
fetch() {
  case $base in
    http://* | https://*)
      case $base in https:*) only='=https' ;; *) only='=http,https' ;; esac
      if has curl && curl -fsSL --proto "$only" --retry 3 --connect-timeout 20 "$base/$1" >"$2"; then return; fi
      if has wget && wget -q -O - "$base/$1" >"$2"; then return; fi
      has curl || has wget || die 'this needs curl or wget; or copy the file here and run: sh FILE --install'
      return 1
      ;;
    *) cat "$base/$1" 2>/dev/null >"$2" ;;
  esac
}

checksum() {
  if has sha256sum; then sum=$(sha256sum <"$1")
  elif has shasum; then sum=$(shasum -a 256 <"$1")
  elif has openssl; then sum=$(openssl dgst -sha256 -r <"$1")
  else die 'this needs sha256sum, shasum or openssl to check what it downloaded'; fi
  echo "${sum%% *}"
}

# Checks the signature with what there is: the dat that is installed, which knows the key since before; minisign; openssl.
check_signature() {
  [ -n "$PUBLIC_KEY" ] || return 0
  signed=$work/SHA256SUMS
  fetch SHA256SUMS "$signed" && fetch SHA256SUMS.minisig "$signed.minisig" ||
    die "$base has no SHA256SUMS.minisig, and this release is signed"
  grep -qx "$want  $file" "$signed" || die "SHA256SUMS of $base does not fit this installer"
  key_known=
  if [ -x "$bin/dat" ] && head -n 2 "$bin/dat" 2>/dev/null | grep -q '^# dat .* all in one file\.'; then
    "$bin/dat" --check-signature "$signed" "$signed.minisig"
    case $? in 0) key_known=yes ;; 9) die 'the dat that is installed does not accept the signature of this release' ;; esac
  fi
  if [ -n "$key_known" ]; then echo 'Signature checked by the dat that was installed.'
  elif has minisign; then
    minisign -Vq -P "$PUBLIC_KEY" -m "$signed" >/dev/null 2>&1 || die 'the signature is wrong'
    echo 'Signature checked by minisign.'
  elif openssl pkeyutl -help 2>&1 | grep -q rawin; then
    check_by_openssl "$signed" || die 'the signature is wrong'
    echo 'Signature checked by openssl.'
  else echo 'Signature not checked, for want of minisign or OpenSSL 3; the checksum was.'; fi
}

check_by_openssl() {
  printf '%s\n' "$PUBLIC_KEY" | openssl base64 -d >"$work/key" || return 1
  sed -n 2p "$1.minisig" | openssl base64 -d -A >"$work/signature" || return 1
  [ "$(head -c 2 "$work/signature")" = ED ] || return 1
  tail -c +3 "$work/key" | head -c 8 >"$work/id"
  tail -c +3 "$work/signature" | head -c 8 | cmp -s - "$work/id" || return 1
  # A key in DER is these bytes and the key itself; what is signed is a hash.
  { printf '\060\052\060\005\006\003\053\145\160\003\041\000' && tail -c 32 "$work/key"; } >"$work/der"
  tail -c 64 "$work/signature" >"$work/raw"
  openssl dgst -blake2b512 -binary <"$1" >"$work/hash" || return 1
  openssl pkeyutl -verify -pubin -keyform DER -inkey "$work/der" -rawin -in "$work/hash" -sigfile "$work/raw" >/dev/null 2>&1
}

main() {
  bin=${DAT_BIN_DIR:-${HOME:+$HOME/.local/bin}}
  [ -n "$bin" ] || die 'HOME is not set: name a folder in DAT_BIN_DIR'
  case ${1-} in --help | -h) echo "options: --no-path (leave the shell's profile alone), --force (replace another dat)"; exit ;; esac
  target=$(target) || exit 1
  file=dat-$VERSION-$target
  want=$(printf '%s\n' "$SUMS" | sed -n "s/^\([0-9a-f]\{64\}\)  $file\$/\1/p")
  [ -n "$want" ] || die "this release has no build for $target"
  # A copy of the release in a folder needs no network.
  base=${DAT_BASE_URL:-}
  base=${base#file://}
  if [ -z "$base" ] && [ -f "$0" ] && [ -f "$(dirname "$0")/$file" ]; then base=$(dirname "$0"); fi
  base=${base:-$BASE_URL}
  base=${base%/}
  [ -n "$base" ] || die "name the folder or URL that has $file in DAT_BASE_URL"
  mkdir -p "$bin" 2>/dev/null || die "cannot make $bin; name another folder in DAT_BIN_DIR"
  work=$bin/.dat-install.$$
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT TERM HUP
  mkdir "$work" 2>/dev/null || die "cannot write to $bin; name another folder in DAT_BIN_DIR"
  echo "Getting dat $VERSION for $target from $base"
  fetch "$file" "$work/$file" || die "could not get $base/$file, or there is no room for it in $bin"
  [ "$(checksum "$work/$file")" = "$want" ] || die "$base/$file is damaged, or not what was released: its checksum is wrong"
  check_signature
  sh "$work/$file" --install --move --bin-dir "$bin" "$@"
}

# The last line, so that half a download does nothing.
main "$@"
