# bash completion for clusterctl(1): verbs and options are fixed, names of nodes are asked for.

_clusterctl_nodes() {
    "${COMP_WORDS[0]}" --json node list 2>/dev/null |
        grep -o '"name":"[^"]*"' | cut -d'"' -f4
}

# The words after the verb, by what was typed before.
_clusterctl_words() {
    case $1 in
        "") echo status who kick metrics cluster node quorum fencer lock disk shadow do \
            events monitor key account domain alias mail --root --socket --json --yes --help --version ;;
        status | metrics) echo clusterd maild ;;
        cluster) echo show create join leave expected-votes level ;;
        "cluster show") echo --from --watch --diff ;;
        "cluster create") echo --name --node --address --port --token --no-real-time --corosync-conf --no-start --wait ;;
        "cluster join") echo --node --address --member --port --votes --corosync-conf --no-start --wait ;;
        "cluster leave") echo --node --wait ;;
        "cluster level") echo --raise ;;
        node) echo list drain undrain votes ping ;;
        "node drain" | "node undrain" | "node votes") _clusterctl_nodes ;;
        "node ping") echo --count --bytes; _clusterctl_nodes ;;
        quorum) echo format setup remove show replace request-fence fence-confirmed ;;
        "quorum format") echo --cluster --soft --nodes --lease --silence --watchdog; compgen -f ;;
        "quorum setup") echo --votes --tie-breaker; compgen -f ;;
        "quorum fence-confirmed") _clusterctl_nodes ;;
        "quorum request-fence") echo --reason; _clusterctl_nodes ;;
        fencer) echo list remove confirm ;;
        "fencer list" | "fencer remove" | "fencer confirm") echo --node ;;
        lock) echo show why top trace domains clients ;;
        "lock top") echo --count ;;
        "lock trace") echo --node ;;
        disk) echo serve unserve list ;;
        "disk serve") echo --address; compgen -f ;;
        shadow) echo create mount accept-loss dismount show events add remove expand copy merge scrub label ;;
        "shadow create" | "shadow add") echo --force ;;
        "shadow mount") echo --plan --cluster --shared --quorum-disk ;;
        "shadow accept-loss") echo --cluster --shared --quorum-disk ;;
        "shadow remove") echo --minicopy ;;
        "shadow copy" | "shadow merge") echo start stop --priority ;;
        "shadow scrub") echo start stop now --priority ;;
        do) echo --nodes --timeout ;;
        events) echo --follow ;;
        monitor) echo cluster lease mail lock dlock rlock --interval --count ;;
        key) echo generate show ;;
        "key generate") echo --force --file ;;
        "key show") echo --file ;;
        who) echo --account ;;
        account) echo add remove list show passwd quota enable disable ;;
        "account add") echo --csv --pattern --range --password-stdin --generate --quota-bytes --quota-messages ;;
        "account remove") echo --csv --pattern --range ;;
        "account passwd") echo --password-stdin --generate ;;
        domain | alias) echo add remove list ;;
        mail) echo show verify ;;
        "mail verify") echo --all ;;
    esac
}

_clusterctl() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} verb="" word skip=no
    COMPREPLY=()
    case $previous in
        --from | --node | --nodes) mapfile -t COMPREPLY < <(compgen -W "$(_clusterctl_nodes)" -- "$current"); return ;;
        --root | --socket | --csv | --file | --corosync-conf) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    esac
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if [ $skip = yes ]; then
            skip=no
            continue
        fi
        case $word in
            --root | --socket) skip=yes ;;
            -*) ;;
            *) case $verb in
                   "" | cluster | node | quorum | fencer | lock | disk | shadow | key | account | domain | alias | mail) verb=${verb:+$verb }$word ;;
               esac ;;
        esac
    done
    mapfile -t COMPREPLY < <(compgen -W "$(_clusterctl_words "$verb")" -- "$current")
}

complete -F _clusterctl clusterctl
