# The virtual environment: made once, filled from the pinned requirements, filled again only when these change.

# Sets $python to the first Python that is new enough and can make environments.
find_python() {
    for python in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && return 0
    done
    return 1
}

fingerprint() { { pwd; cat "$@"; } | cksum; }

make_environment() {
    files=requirements.txt
    [ "$purpose" != test ] || files="requirements.txt requirements-dev.txt"
    stamp=.venv/.wenlu-$purpose
    # shellcheck disable=SC2086
    wanted=$(fingerprint $files)
    if [ -x .venv/bin/wenlu ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && .venv/bin/python -c ''; then return 0; fi
    if ! .venv/bin/python -c 'import pip' 2>/dev/null; then
        say "Making the virtual environment"
        quietly "Making .venv" "$python" -m venv --clear .venv || exit 1
    fi
    say "Installing $(cat $files | grep -c ==) Python packages"
    # The lists are complete, so nothing is left to resolve.
    # shellcheck disable=SC2086
    PIP_USER=0 quietly "Installing the Python packages" .venv/bin/python -m pip install --no-deps --no-compile \
        --no-input --disable-pip-version-check --prefer-binary -q $(printf -- '-r %s ' $files) || exit 1
    link_checkout
    compile_what_is_used
    printf '%s' "$wanted" >"$stamp"
}

# An editable installation without its build tools: the checkout on the path and the `wenlu` command.
link_checkout() {
    .venv/bin/python - <<'PROGRAM'
import pathlib, sys, sysconfig

checkout = pathlib.Path.cwd()
(pathlib.Path(sysconfig.get_path("purelib")) / "wenlu.pth").write_text(f"{checkout}\n")
command = checkout / ".venv/bin/wenlu"
command.write_text(f"#!{sys.executable}\nimport sys\n\nfrom portal.cli.main import main\n\nsys.exit(main())\n")
command.chmod(0o755)
PROGRAM
}

# Compiling every file of every package takes longer than all the rest; a start needs a tenth of them. Once here
# instead of in each of the programs that start together.
compile_what_is_used() {
    env -u PYTHONDONTWRITEBYTECODE .venv/bin/python -c 'import portal.app, portal.cli.prepare, portal.cli.up, jobs.cron' \
        >>"$log" 2>&1 || :
}

# Where the system offers no browser that runs in a container, Playwright brings one.
make_browser() {
    has_browser && return 0
    say "Installing Chromium for the browser tests"
    quietly "Installing Chromium" .venv/bin/playwright install --with-deps chromium || exit 1
}
