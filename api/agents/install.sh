#!/bin/sh
# Installs the agentlet of orch on this host. Made by the server for one invitation; run it as root.
# `| sh -s -- --user NAME`: the agentlet runs as that account, which is made, and a helper does what needs root.
# The whole file is read before anything is done: a line that broke off does no half of it.
set -eu
umask 077

url=@URL@
pin=@PIN@
token=@TOKEN@
digest=@DIGEST@
folder=/usr/local/lib/orch-agentlet
program=$folder/agentlet.pyz
unit=/etc/systemd/system/orch-agentlet.service

fail() {
    echo "orch: $*" >&2
    exit 1
}

find_python() {
    for name in python3 /usr/libexec/platform-python python3.13 python3.12 python3.11 python3.10 python3.9 python3.8; do
        python=$(command -v "$name" 2>/dev/null) || continue
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 6))' 2>/dev/null </dev/null && return 0
    done
    fail "needs Python 3.6 or newer, and none is here (Debian, Ubuntu: apt install python3; Fedora, RHEL: dnf install python3)"
}

# The address has the token in it: curl reads it from its standard input, so that no list of processes shows it.
download() {
    {
        echo "url = \"$url/install/$token/agentlet.pyz\""
        echo "output = \"$1\""
        if [ -n "$pin" ]; then
            echo "pinnedpubkey = \"$pin\""
            echo "insecure"
        fi
    } | curl --config - --fail --silent --show-error --retry 3 --connect-timeout 20 --max-time 300 ||
        fail "cannot fetch the agentlet from $url (see curl's words above; is a proxy needed? set https_proxy and try again)"
}

check_digest() {
    found=$("$python" -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' \
        "$1" </dev/null) || fail "cannot read what was fetched: $1"
    [ "$found" = "$digest" ] || fail "what was fetched is not what the server made: something on the way alters files"
}

main() {
    user=
    case "$#:${1-}" in
        0:) ;;
        2:--user) user=$2 ;;
        *) fail "takes no arguments but --user NAME" ;;
    esac
    [ -z "$user" ] || [ -d /run/systemd/system ] || fail "only systemd starts a helper for an agentlet that is not root"
    [ "$(id -u)" = 0 ] || fail "must be run as root: put sudo before sh"
    command -v curl >/dev/null || fail "needs curl"
    find_python
    command -v openssl >/dev/null ||
        fail "needs the openssl program, which makes this host's key (apt install openssl, dnf install openssl)"
    mkdir -p "$folder" && chmod 755 "$folder" || fail "cannot make $folder: is /usr/local read-only?"
    temporary=$(mktemp "$folder/.agentlet.XXXXXX") || fail "cannot write to $folder"
    trap 'rm -f "$temporary"' EXIT
    trap 'exit 1' HUP INT TERM
    download "$temporary"
    check_digest "$temporary"
    chmod 644 "$temporary"
    mv -f "$temporary" "$program"
    set -- --force
    [ -z "$pin" ] || set -- "$@" --pin "$pin"
    [ -z "$user" ] || set -- "$@" --user "$user"
    printf '%s\n' "$token" | "$python" "$program" enroll "$url" "$@" ||
        fail "was installed to $program, but this host is not enrolled; the reason is above"
    start
}

start() {
    if [ ! -d /run/systemd/system ]; then
        echo "orch: no systemd runs here: have \"$python $program run\" started at boot, as root"
        return
    fi
    "$python" "$program" unit --python "$python" ${user:+--user "$user"} --write </dev/null >/dev/null ||
        fail "cannot write $unit"
    if [ -n "$user" ]; then
        { systemctl daemon-reload && systemctl enable --quiet orch-agentlet-helper.socket &&
            systemctl restart orch-agentlet-helper.socket; } </dev/null ||
            fail "the helper's socket does not start: journalctl -u orch-agentlet-helper.socket tells why"
    fi
    { systemctl daemon-reload && systemctl enable --quiet orch-agentlet && systemctl restart orch-agentlet; } </dev/null ||
        fail "the service does not start: journalctl -u orch-agentlet tells why"
    sleep 1
    systemctl is-active --quiet orch-agentlet ||
        fail "the service ended at once: journalctl -u orch-agentlet tells why"
    echo "orch: the agentlet runs; systemctl status orch-agentlet shows it"
}

main "$@"
