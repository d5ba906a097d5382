# How the installation speaks: a short line per step; everything a program says goes to the log.

say() { printf '%s\n' "$*"; }

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# quietly WHAT COMMAND...: run a step; if it fails show the end of what it said.
quietly() {
    what=$1
    shift
    part=$(mktemp "$home/log/step.XXXXXX")
    if "$@" >"$part" 2>&1; then
        cat "$part" >>"$log"
        rm -f "$part"
        return 0
    fi
    cat "$part" >>"$log"
    printf '%s failed (all of it is in %s):\n' "$what" "$log" >&2
    grep -v '^WARNING: ' "$part" | tail -n 8 >&2
    rm -f "$part"
    return 1
}
