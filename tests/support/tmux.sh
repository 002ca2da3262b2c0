#!/bin/sh
# Install tmux for the tests that run in it: where there is none, and apt needs no password. Those tests are skipped
# otherwise, so nothing here fails. A minute and a half at most for each of apt's steps.

command -v tmux >/dev/null && exit 0
command -v apt-get >/dev/null || exit 0
if [ "$(id -u)" = 0 ]; then root=; elif sudo -n true; then root="sudo -n"; else exit 0; fi 2>/dev/null

apt() {
    $root timeout -k 5 90 env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=10 "$@" \
        >/dev/null 2>&1 </dev/null
}

echo "installing tmux, for the tests that run in it"
apt install --no-install-recommends tmux || { apt update && apt install --no-install-recommends tmux; } ||
    echo "could not: those tests are skipped"
exit 0
