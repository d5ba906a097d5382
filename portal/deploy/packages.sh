# System packages: which are missing, and how Debian and Ubuntu get them without a second server being left running.

python_packages() {
    [ -x "$(command -v apt-get)" ] || { echo "python3.11"; return; }
    update_lists
    for version in 3 3.13 3.12 3.11; do
        offered=$(candidate "python$version")
        case $offered in
            3.1[1-9]*) echo "python$version python$version-venv"; return ;;
        esac
    done
    echo "python3 python3-venv"
}

missing_packages() {
    list=
    [ -n "${DATABASE_URL:-}" ] || has_postgis || list="$list $(postgis_package)"
    [ -n "${REDIS_URL:-}" ] || has_redis || list="$list redis-tools"
    [ -e /usr/share/zoneinfo/Asia/Shanghai ] || list="$list tzdata"
    [ -e /etc/ssl/certs/ca-certificates.crt ] || [ ! -e /etc/debian_version ] || list="$list ca-certificates"
    if [ "$purpose" = test ]; then
        has_browser || [ -z "$(browser_package)" ] || list="$list $(browser_package)"
        has_chinese_font || list="$list fonts-wqy-microhei"
        has_compose || [ -z "$(candidate docker-compose)" ] || list="$list docker-compose"
    fi
    echo $list
}

has_postgis() {
    for control in /usr/share/postgresql/*/extension/postgis.control "$(pg_config --sharedir 2>/dev/null)/extension/postgis.control"; do
        [ -e "$control" ] || continue
        version=${control#/usr/share/postgresql/}
        version=${version%%/*}
        [ ! -x "/usr/lib/postgresql/$version/bin/postgres" ] || [ "$version" -lt 14 ] || return 0
        [ ! -x "$(pg_config --bindir 2>/dev/null)/postgres" ] || return 0
    done
    return 1
}

has_redis() { command -v redis-server || command -v valkey-server || command -v redis-check-rdb; } >/dev/null
has_compose() { command -v docker-compose >/dev/null; } # reads docker-compose.yml without an engine
has_browser() { command -v chromium || command -v google-chrome || ls "${HOME:-/}"/.cache/ms-playwright/chromium-*; } >/dev/null 2>&1
has_chinese_font() { find /usr/share/fonts /usr/local/share/fonts "${HOME:-/}/.fonts" -type f 2>/dev/null | grep -qiE 'cjk|wqy|hans|droidsansfallback|uming|ukai'; }

# Ubuntu's chromium is a snap, which containers cannot run: there Playwright brings its own (make_browser).
browser_package() { grep -qs '^ID=ubuntu' /etc/os-release || echo chromium; }

# The newest PostgreSQL that is offered with PostGIS.
postgis_package() {
    command -v apt-cache >/dev/null || { echo "postgresql (14 or newer) with postgis"; return; }
    update_lists
    found=$(apt-cache pkgnames postgresql- 2>/dev/null | sed -n 's/^postgresql-\([0-9][0-9]*\)-postgis-3$/\1/p' | sort -n | tail -n 1)
    echo "postgresql-${found:-15}-postgis-3"
}

candidate() { apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: *\([^(].*\)$/\1/p'; }

# get_root LIST: make sure that commands can run as root, or say what to install and stop.
get_root() {
    [ "$(id -u)" != 0 ] || [ ! -x "$(command -v apt-get)" ] || return 0
    if command -v apt-get >/dev/null && command -v sudo >/dev/null; then
        sudo -n true 2>/dev/null && return 0
        [ -t 0 ] && sudo -v && return 0
    fi
    fail "These packages are missing and cannot be installed from here (no root, no sudo, or no apt). Please install:
$(for package in $1; do echo "  $package"; done)"
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

# Once per run, also across the subshells this is called from; a list that is a little old still serves.
update_lists() {
    [ ! -e "$home/log/lists.$$" ] || return 0
    [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null || return 0
    : >"$home/log/lists.$$"
    as_root apt-get update -q >>"$log" 2>&1 || say "The package lists could not be refreshed; going on with those that are here." >&2
}

# install_packages LIST: names the package that cannot be installed.
install_packages() {
    update_lists
    say "Installing system packages: $1"
    part=$home/log/apt.$$
    keep_clusters_away
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 \
        apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=120 $1 >"$part" 2>&1 && done=yes || done=
    allow_clusters
    cat "$part" >>"$log"
    if [ -n "$done" ]; then rm -f "$part"; return 0; fi
    named=$(sed -n 's/^E: Unable to locate package \(.*\)$/\1/p; s/^E: Package .\(.*\). has no installation candidate$/\1/p' "$part" | sort -u)
    [ -n "$named" ] || named=$(for package in $1; do dpkg -s "$package" >/dev/null 2>&1 || echo "$package"; done)
    reason=$(grep '^E: ' "$part" | tail -n 1)
    rm -f "$part"
    fail "apt could not install $(echo $named) (${reason:-see the log}; everything is in $log)."
}

# Debian makes and starts a cluster on port 5432 along with the server; ours is private. Only for this installation.
keep_clusters_away() {
    # shellcheck disable=SC2016
    as_root sh -c 'f=/etc/postgresql-common/createcluster.conf
        mkdir -p "${f%/*}"
        if [ -e "$f" ]; then cp -p "$f" "$f.before-wenlu"; fi
        echo "create_main_cluster = false" >"$f"'
}

allow_clusters() {
    # shellcheck disable=SC2016
    as_root sh -c 'f=/etc/postgresql-common/createcluster.conf
        if [ -e "$f.before-wenlu" ]; then mv "$f.before-wenlu" "$f"
        elif [ -e /usr/share/postgresql-common/createcluster.conf ]; then cp /usr/share/postgresql-common/createcluster.conf "$f"
        else rm -f "$f"; rmdir "${f%/*}" 2>/dev/null || :; fi
        rm -f "$f.ucf-dist"'
}
