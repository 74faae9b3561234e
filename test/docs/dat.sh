#!/usr/bin/env bash
# `dat` as the blocks of the documents call it. `dat://…` is the link of what was shared last. What runs until Ctrl-C goes
# on behind the block until another one of its kind begins; `sync` is stopped when it is up to date, `share --once` waits.
# `--end` ends what is left.
set -u

ready_limit=300 # tenths of a second

# Ctrl-C for what was left running, and a complaint unless it ended as it should.
end() {
  local kind=$1 pid
  [[ -s $DOCS_STATE/$kind.pid ]] || return 0
  pid=$(<"$DOCS_STATE/$kind.pid")
  rm "$DOCS_STATE/$kind.pid"
  kill -INT "$pid" 2>/dev/null
  timeout 20 tail --pid="$pid" -f /dev/null || kill -KILL "$pid"
  case $(cat "$DOCS_STATE/$kind.code" 2>/dev/null) in
    0 | 130) return 0 ;;
    *)
      echo "dat $kind ended with $(cat "$DOCS_STATE/$kind.code" 2>/dev/null): $(tail -n 5 "$DOCS_STATE/$kind.err")"
      return 1
      ;;
  esac
}

if [[ ${1-} == --end ]]; then
  end share && end relay
  exit
fi

args=("$@")
if [[ -s $DOCS_STATE/link ]]; then
  link=$(<"$DOCS_STATE/link")
  args=("${args[@]/dat:\/\/…/$link}")
fi
for word in "${args[@]}"; do
  case $word in
    --help | -h | help) exec "$DOCS_NODE" "$DOCS_DAT" "${args[@]}" ;;
  esac
done

kind=${args[0]-}
case $kind in
  share) ready='^(Shared: |Up to date)' ;;
  relay) ready='ws' ;;
  sync) ready='^Up to date' ;;
  *) exec "$DOCS_NODE" "$DOCS_DAT" "${args[@]}" ;;
esac

end "$kind" || exit 1
out=$DOCS_STATE/$kind.out err=$DOCS_STATE/$kind.err
rm -f "$DOCS_STATE/$kind.code"
: >"$out"
: >"$err"
(
  "$DOCS_NODE" "$DOCS_DAT" "${args[@]}" >"$out" 2>"$err" </dev/null &
  echo $! >"$DOCS_STATE/$kind.pid"
  wait $!
  echo $? >"$DOCS_STATE/$kind.code"
) >/dev/null 2>&1 &
for ((i = 0; i < ready_limit; i++)); do
  if cat "$out" "$err" | grep -qE "$ready" || [[ -s $DOCS_STATE/$kind.code ]]; then break; fi
  sleep 0.1
done
cat "$out" 2>/dev/null
cat "$err" >&2
[[ $kind == share ]] && head -n 1 "$out" >"$DOCS_STATE/link"
if [[ -s $DOCS_STATE/$kind.code ]]; then
  rm -f "$DOCS_STATE/$kind.pid"
  exit "$(<"$DOCS_STATE/$kind.code")"
fi
if ((i == ready_limit)); then
  echo "dat $kind is not ready after $((ready_limit / 10)) s" >&2
  exit 1
fi
if [[ $kind == sync ]]; then end sync; fi
