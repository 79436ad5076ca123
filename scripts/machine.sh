# shellcheck shell=bash
# Functions that bring a Debian machine to the point where a script can run. Source this file.
# Exit code 3: something is missing and cannot be installed from here.

say() { printf '%s\n' "== $*"; }

# Packages of the cross compiler, the build tools and the emulator.
FIRMWARE_PACKAGES=(
  gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib
  cmake ninja-build qemu-system-arm
)

# Installs the packages given that are not there yet. Asks nothing; needs root only if one is
# missing, and prints the line for the administrator if it does not have it.
install_packages() {
  local name log missing=()
  if ! command -v dpkg-query >/dev/null; then
    say "no dpkg here: install the equivalents of: $*"
    return 0
  fi
  for name in "$@"; do
    if [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" != installed ]; then
      missing+=("$name")
    fi
  done
  if [ ${#missing[@]} -eq 0 ]; then return 0; fi
  if [ "$(id -u)" -ne 0 ]; then
    printf 'error: these packages are missing and only root can install them\n' >&2
    printf 'hint: sudo apt-get install --yes --no-install-recommends %s\n' "${missing[*]}" >&2
    exit 3
  fi
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  if ! { apt-get update -qq && apt-get install -qq --yes --no-install-recommends "${missing[@]}"; } \
    >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    printf 'error: apt-get could not install %s\n' "${missing[*]}" >&2
    printf 'hint: check the network and the package sources, then run this script again\n' >&2
    exit 3
  fi
  rm -f "$log"
}

is_supported_python() {
  "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null
}

# Prints a Python that the package supports: $PYTHON, or the first one found.
find_python() {
  local name
  for name in ${PYTHON:-python3 python3.11 python3.12 python3.13}; do
    if command -v "$name" >/dev/null && is_supported_python "$name"; then
      command -v "$name"
      return 0
    fi
  done
  return 1
}

# Makes the virtual environment $1, and fills it with `pip install` and the arguments after $2,
# unless the stamp in it says that it was made with the same arguments and the state $2.
make_environment() {
  local folder=$1 state=$2 python stamp
  shift 2
  if ! find_python >/dev/null; then install_packages python3 python3-venv; fi
  if ! python=$(find_python); then
    printf 'error: no Python from 3.11 to 3.13 is on PATH\n' >&2
    printf 'hint: install one and name it: PYTHON=/path/to/python3.11 bash %s\n' "$0" >&2
    exit 3
  fi
  # Debian splits venv from python3; other Pythons carry it.
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    install_packages "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
  fi
  stamp=$(printf '%s\n' "$state" "$("$python" -c 'import sys; print(sys.version, sys.base_prefix)')" \
    "$folder" "$@" | sha256sum | cut -d' ' -f1)
  if [ -x "$folder/bin/python" ] && [ "$(cat "$folder/.stamp" 2>/dev/null)" = "$stamp" ]; then
    return 0
  fi
  say "making the Python environment $folder"
  rm -f "$folder/.stamp"
  if [ ! -x "$folder/bin/python" ] || ! is_supported_python "$folder/bin/python"; then
    rm -rf "$folder"
    "$python" -m venv "$folder"
  fi
  if ! "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; then
    printf 'error: pip could not install into %s\n' "$folder" >&2
    printf 'hint: check the network and the package index, then run this script again\n' >&2
    exit 3
  fi
  printf '%s\n' "$stamp" >"$folder/.stamp"
}
