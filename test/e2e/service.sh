# Runs in namespaces of its own, as their first process: what it starts ends with it. $1 is the room, $2 what starts dat.
# A user manager of systemd, as a login starts one; and in it a service as a person installs, stops and removes it.
set -u
room=$1
dat=$2
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system
umount -l /sys/fs/cgroup 2>/dev/null
mount -t cgroup2 none /sys/fs/cgroup || exit 77
ip link set lo up 2>/dev/null
cd "$room" || exit 1
export HOME=$room/home XDG_RUNTIME_DIR=$room/run DAT_LAN_INTERFACE=127.0.0.1 DAT_BOOTSTRAP=none
unset DAT_HOME XDG_CONFIG_HOME XDG_DATA_HOME
mkdir -p "$HOME" && mkdir -m 700 "$XDG_RUNTIME_DIR"
/lib/systemd/systemd --user >"$room/systemd.txt" 2>&1 &
tries=0
until systemctl --user is-system-running --wait >/dev/null 2>&1; do
  tries=$((tries + 1))
  [ $tries -lt 100 ] || exit 77
  sleep 0.1
done

folder=$(printf '100%% $HOME "q"\nit\\x41s')
step() {
  echo "== $1"
  shift
  "$@"
  echo "== exit $?"
}
step install $dat service install "$folder" --ignore '*.bak $x %i' --json
step link $dat share "$folder" --json
step list $dat service list --json
step stop $dat stop "$folder" --json
unit=$(ls "$HOME/.config/systemd/user" | grep service)
step state systemctl --user show --property=ActiveState,Result,NRestarts "$unit"
step start systemctl --user start "$unit"
step remove $dat service remove "$folder" --json
step ps $dat ps --json
