#!/usr/bin/env bash
# Runs every check and every test. On a fresh Debian it first installs what is missing (as root) and
# makes .venv; run again, it goes straight to the checks.
#
#   bash tests/run.sh [pytest arguments]
#
# TFLM_GEN_TEST_TF=0       leave out what needs TensorFlow (a large download)
# TFLM_GEN_TEST_WORKERS=N  pytest processes (2)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/machine.sh
. scripts/machine.sh

extras=test,ethos-u,flash,platformio
selection=()
if [ "${TFLM_GEN_TEST_TF:-1}" = 1 ]; then
  extras=$extras,quantize
else
  selection=(-m 'not tensorflow')
fi

install_packages "${FIRMWARE_PACKAGES[@]}" g++ gdb-multiarch openocd cppcheck
make_environment .venv "$(sha256sum pyproject.toml)" --editable ".[$extras]"
PATH=$PWD/.venv/bin:$PATH

say "prebuilt images"
tflm-gen deps get corstone300-image
tflm-gen deps get corstone300-image-debug

say "ruff, mypy, clang-format, shell syntax"
ruff check .
ruff format --check .
mypy
find firmware_templates tests \( -name '*.c' -o -name '*.cc' -o -name '*.h' \) \
  -not -path '*/golden/expected/*' -print0 | xargs -0 clang-format --dry-run --Werror
for script in .ci/run scripts/*.sh tests/*.sh examples/*.sh; do bash -n "$script"; done

say "tests"
export TFLM_GEN_REQUIRE=${TFLM_GEN_REQUIRE-all}
exec python -m pytest -n "${TFLM_GEN_TEST_WORKERS:-2}" "${selection[@]}" "$@"
