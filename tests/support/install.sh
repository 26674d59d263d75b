#!/bin/sh
# install.sh VENV WHAT: make VENV if need be and install WHAT into it, editable, at pinned versions.
# uv where it is there, else plain venv and pip. Says in a sentence what is missing.
set -eu
venv=$1 what=$2

fail() { echo "Error: $*" >&2; exit 1; }

# Compiles what a first run needs, on two cores: pip would compile all there is, uv nothing, and agents
# in the process sandbox, which leave no traces in our environment, would do it again each time.
compile() {
    for modules in "pandas, sklearn.ensemble, sklearn.linear_model, sklearn.feature_extraction.text" \
        "docker, textual.widgets, redux_tui.runner.supervisor, redux_tui.ui.app" \
        "kagglesdk.kaggle_client, uvicorn.protocols.http.h11_impl, starlette.applications, git"; do
        env -u PYTHONDONTWRITEBYTECODE "$venv/bin/python" -c "import $modules" &
    done
    wait
}

find_python() {
    for python in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
        [ -n "$python" ] && command -v "$python" >/dev/null 2>&1 &&
            "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' && return 0
    done
    return 1
}

command -v git >/dev/null 2>&1 || fail "git is missing. Install it (Debian: apt-get install git)."

if command -v uv >/dev/null 2>&1; then
    [ -x "$venv/bin/python" ] || uv venv --quiet --python '>=3.11' "$venv"
    uv pip install --quiet --python "$venv/bin/python" -c constraints.txt -e "$what"
    compile
    exit 0
fi

if [ ! -x "$venv/bin/python" ] || [ ! -x "$venv/bin/pip" ]; then
    find_python || fail "no Python >= 3.11 was found. Install one (Debian: apt-get install python3)," \
        "or set PYTHON to it."
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python has no venv module. Install it (Debian: apt-get install python3-venv)."
    "$python" -m venv "$venv"
fi
echo "Installing redux-tui into $venv (about a minute the first time)." >&2
"$venv/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check \
    -c constraints.txt -e "$what"
compile
