#!/usr/bin/env bash
# From a fresh Debian machine to an ECG model that runs on real TensorFlow Lite Micro in an emulated
# Cortex-M55, with its instruction counts and a byte-for-byte comparison; a minute of (synthetic) ECG
# through its preprocessing; then the same model linked for the nRF52840. No board, no TensorFlow.
#
#   bash examples/quickstart.sh
#
# Installs missing Debian packages (as root), makes .venv-quickstart, writes out/quickstart/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/machine.sh
. scripts/machine.sh

install_packages "${FIRMWARE_PACKAGES[@]}"
sources=$(find tflm_gen boards firmware_templates examples/ecg renode pyproject.toml \
  -type f -not -path '*/__pycache__/*' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum)
make_environment .venv-quickstart "$sources" .
PATH=$PWD/.venv-quickstart/bin:$PATH
project=out/quickstart/ecg-corstone300

# Not from the checkout: what runs below is the installed package.
mkdir -p out/quickstart
run() {
  say "$*"
  "$@"
}
run tflm-gen deps get corstone300-image
run tflm-gen build --example ecg --board corstone300 --out "$project"
run tflm-gen emulate "$project"
run tflm-gen bench "$project"
run tflm-gen verify "$project"
run tflm-gen replay "$project" --records examples/ecg/records --invoke

# A chip for which no TFLM is here gets the model as C; QEMU runs it on the same core.
chip=out/quickstart/ecg-nrf52840
run tflm-gen build --example ecg --board nrf52840 --out "$chip"
run tflm-gen verify "$chip"
run tflm-gen replay "$chip" --records examples/ecg/records --invoke
