#!/usr/bin/env bash
# Every verb and option that the completion offers is one that clusterctl has, and the other way round.
set -euo pipefail
program=$QUORATE_BIN/clusterctl
# shellcheck source=/dev/null
source "$QUORATE_SOURCE/packaging/completion/clusterctl.bash"
COMP_WORDS=("$program")

failed=0
offered() { _clusterctl_words "$1" | tr ' ' '\n' | sort -u; }
# Long options and subcommands as the help lists them, its own --help apart.
known() {
    "$program" $1 --help | awk '/^Subcommands:/ {sub_ = 1; next} /^[^ ]/ {sub_ = 0}
        sub_ && /^  [a-z]/ {print $1}
        /^  -/ {gsub(",", " "); for (i = 1; i <= NF; ++i) if ($i ~ /^--/) {print $i; break}}' |
        if [ -n "$1" ]; then grep -vx -- --help || true; else cat; fi | sort -u
}
for verb in "" cluster "cluster show" "cluster create" "cluster join" "cluster leave" "cluster level" node fencer \
    "fencer list" "fencer remove" "fencer confirm" lock "lock top" \
    "lock trace" disk shadow "shadow create" "shadow mount" "shadow add" \
    "shadow accept-loss" "shadow remove" \
    do events \
    key "key generate" "key show" who account "account add" "account remove" "account passwd" domain alias mail \
    "mail verify"; do
    if ! difference=$(diff <(known "$verb") <(offered "$verb")); then
        echo "clusterctl $verb: known (<) and offered (>) differ:"
        echo "$difference"
        failed=1
    fi
done

complete_line() { COMP_WORDS=("$program" "$@"); COMP_CWORD=$#; COMPREPLY=(); _clusterctl; echo "${COMPREPLY[*]}"; }
expect() {
    local wanted=$1
    shift
    local got
    got=$(complete_line "$@")
    [ "$got" = "$wanted" ] || { echo "completing '$*': '$got', not '$wanted'"; failed=1; }
}
expect "cluster" clu
expect "create" cluster cr
expect "--watch" --root /tmp cluster show --w
expect "drain" --json node dr
expect "lease" monitor le
exit $failed
