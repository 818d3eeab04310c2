#!/usr/bin/env bash
# Installs what muster needs and is missing: `setup.sh up` to run it, `setup.sh test` to work on it as well.
# Debian, Ubuntu and Raspberry Pi OS, as root or with sudo. YES=1 (or no terminal) answers its question.
set -euo pipefail

purpose=${1:-up}
cd "$(dirname "$0")/../.."
folder=${MUSTER_UP__FOLDER:-.muster}
mkdir -p "$folder"
log=$folder/setup.log
cleaning=()

say() { printf '%s\n' "$*"; }
fail() {
  printf 'muster: %s\n' "$*" >&2
  exit 1
}
cleanup() {
  for command in "${cleaning[@]}"; do eval "$command" || true; done
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Runs an installer with its output in the log; its last lines are shown when it fails.
quietly() {
  printf '\n$ %s\n' "$*" >>"$log"
  "$@" >>"$log" 2>&1 </dev/null && return
  tail -n 15 "$log" >&2
  fail "that failed: $* (the whole output is in $log)"
}

# One set-up of a checkout at a time; the lock goes with this process.
exec 9>"$folder/setup.lock"
flock -n 9 || { say "another set-up of this checkout is running, waiting for it ..." && flock 9; }

# --- Packages of the distribution -----------------------------------------------------------------------------------

find_python() {
  for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
}
has_postgis() {
  local program major
  for program in /usr/lib/postgresql/*/bin/postgres; do
    [ -x "$program" ] || continue
    major=${program#/usr/lib/postgresql/}
    major=${major%%/*}
    [ "${major%%.*}" -ge 15 ] && [ -e "/usr/share/postgresql/$major/extension/postgis.control" ] && return
  done
  command -v pg_config >/dev/null && [ -x "$(pg_config --bindir)/postgres" ] &&
    [ -e "$(pg_config --sharedir)/extension/postgis.control" ]
}
has_mosquitto() { [ -x /usr/sbin/mosquitto ] || command -v mosquitto >/dev/null; }
has_chromium() { command -v chromium >/dev/null || command -v chromium-browser >/dev/null; }
has_chinese() { command -v fc-list >/dev/null && [ -n "$(fc-list "Noto Sans CJK SC")" ]; }
# What share pictures are written with (server/sharing/fonts.py): the file of a font, or what is found like it.
has_font() { [ -n "$(find /usr/share/fonts /usr/local/share/fonts -name "$1" -print -quit 2>/dev/null)" ]; }
# Read whole: a pipe that grep leaves at its first match ends ldconfig, which then counts as a failure (pipefail).
has_library() { [[ $(PATH=$PATH:/sbin ldconfig -p 2>/dev/null) == *"$1"* ]]; }

missing() {
  local python
  python=$(find_python)
  if [ -z "$python" ] && ! command -v python3 >/dev/null; then
    echo python3 python3-venv
  elif [ -n "$python" ] && ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    case $(readlink -f "$python") in
      /usr/bin/python3.*) echo "$(basename "$(readlink -f "$python")")-venv" ;;
      *) echo python3-venv ;;
    esac
  fi
  [ -e /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates
  has_postgis || echo postgis-of-the-newest-postgresql
  has_mosquitto || echo mosquitto
  command -v dbus-daemon >/dev/null || echo dbus
  has_font NotoSans-Bold.ttf || echo fonts-noto-core
  has_font NotoSansCJK-Bold.ttc || echo fonts-noto-cjk
  has_font NotoColorEmoji.ttf || echo fonts-noto-color-emoji
  has_library libfribidi.so.0 || echo libfribidi0 # scripts that run from right to left
  if [ "$purpose" = test ]; then
    command -v git >/dev/null || echo git
    has_chromium || echo chromium
    command -v certutil >/dev/null || echo libnss3-tools # tells a browser of its own to trust an authority
    has_chinese || echo fontconfig fonts-noto-cjk # for the browser
  fi
}

install_packages() {
  local wanted=$1 as_root=() listed name packages=()
  listed=${wanted/postgis-of-the-newest-postgresql/postgresql with postgis}
  command -v apt-get >/dev/null || fail "these are missing and there is no apt-get to install them with: $listed"
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "these are missing and there is no sudo: as root, install $listed"
    as_root=(sudo)
  fi
  say "muster will install with ${as_root[*]:-root} apt-get: $listed"
  if [ -t 0 ] && [ "${YES:-}" != 1 ]; then
    read -r -p "Go on? [Y/n] " answer
    case $answer in '' | [Yy]*) ;; *) fail "nothing was installed" ;; esac
  fi
  # Asked for here, where it can be seen; what follows writes to the log.
  if [ ${#as_root[@]} -gt 0 ] && [ -t 0 ]; then sudo -v || fail "sudo was refused"; fi

  # Debian's packages start servers of their own on 5432 and 1883. muster neither needs nor wants them: for as long as
  # this script runs, none is started and PostgreSQL makes no cluster of its own.
  local policy=/usr/sbin/policy-rc.d no_cluster=/etc/postgresql-common/createcluster.d/muster-setup.conf
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
    "${as_root[@]}" chmod 755 $policy
    cleaning+=("${as_root[*]} rm -f $policy")
  fi
  if [ ! -e $no_cluster ]; then
    "${as_root[@]}" mkdir -p "$(dirname $no_cluster)"
    echo 'create_main_cluster = false' | "${as_root[@]}" tee $no_cluster >/dev/null
    cleaning+=("${as_root[*]} rm -f $no_cluster")
  fi

  quietly "${as_root[@]}" apt-get -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 update
  for name in $wanted; do
    case $name in
      postgis-of-the-newest-postgresql)
        name=$(apt-cache pkgnames postgresql- | grep -E '^postgresql-[0-9]+-postgis-3$' | sort -V | tail -n 1)
        [ -n "$name" ] || fail "this distribution has no package postgresql-NN-postgis-3: is it too old?"
        ;;
      chromium) apt-cache show chromium >/dev/null 2>&1 || name=chromium-browser ;;
    esac
    packages+=("$name")
  done
  quietly "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 \
    -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${packages[@]}"
  # Freshly installed by us, so nobody else relies on it: not at the next boot either.
  if [[ " $wanted " == *" mosquitto "* ]] && command -v systemctl >/dev/null; then
    "${as_root[@]}" systemctl disable mosquitto >>"$log" 2>&1 || true
  fi
}

wanted=$(missing | tr '\n' ' ')
wanted=${wanted% }
[ -z "$wanted" ] || install_packages "$wanted"

# --- Python ---------------------------------------------------------------------------------------------------------

python=$(find_python)
if [ -z "$python" ]; then
  fail "muster needs Python 3.11, 3.12 or 3.13, and python3 here is $(python3 -V 2>&1 || true): install one, or name it with PYTHON=/path/to/python"
fi

stamp() { cat "$@" | sha256sum | cut -d ' ' -f 1; }
is_fresh() { [ -e "$1" ] && [ "$(cat "$1")" = "$2" ]; }

venv=.venv
installed="$PWD $(stamp requirements.lock pyproject.toml)"
if ! is_fresh $venv/.installed "$installed" || ! $venv/bin/python -c '' 2>/dev/null; then
  say "installing the Python packages of requirements.lock ..."
  rm -f $venv/.installed
  if ! $venv/bin/python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null ||
    ! $venv/bin/uv --version >/dev/null 2>&1; then
    quietly "$python" -m venv --clear $venv
    # uv as the lock file has it, checked by its hash.
    sed -n '/^uv==/,/[^\\]$/p' requirements.lock >$venv/uv.txt
    quietly $venv/bin/python -m pip install --disable-pip-version-check --require-hashes --no-deps -r $venv/uv.txt
  fi
  export UV_PYTHON_DOWNLOADS=never UV_PYTHON_PREFERENCE=only-system UV_NO_CONFIG=1 UV_LINK_MODE=${UV_LINK_MODE:-hardlink}
  quietly $venv/bin/uv pip sync --python $venv/bin/python --require-hashes requirements.lock
  quietly $venv/bin/uv pip install --python $venv/bin/python --no-deps --no-build-isolation -e .
  printf '%s' "$installed" >$venv/.installed
fi

# --- Browser libraries ----------------------------------------------------------------------------------------------

pages=server/pages
vendored=$(stamp $pages/package.json $pages/package-lock.json $pages/vendor.mjs)
if ! is_fresh $pages/static/vendor/.installed "$vendored"; then
  say "installing the browser libraries of $pages/package-lock.json ..."
  export PATH="$PWD/$venv/bin:$PATH"
  quietly npm --prefix $pages ci --no-audit --no-fund --no-update-notifier
  quietly npm --prefix $pages run vendor
  printf '%s' "$vendored" >$pages/static/vendor/.installed
fi
