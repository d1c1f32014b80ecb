# What a broken plugin is written in. `real` is the plugin itself, with the standard input of whoever calls it.

# Is this the verb?
on() { [ "${CNI_COMMAND-}" = "$1" ]; }

# Fails with this error code.
refuse() {
    printf '{"cniVersion":"1.0.0","code":%s,"msg":"broken"}\n' "$1"
    exit 1
}

# Takes the standard input aside; `has` finds a text in it, `go` hands it to the plugin.
heard() { in=$(cat); }
has() { [ "${in#*"$1"}" != "$in" ]; }
go() { printf %s "$in" | real; }

# The plugin, which hears something else than was said to it: a filter of jq.
hears() { jq -c "$1" | real; }

# The plugin, which says something else than it means: a filter of jq over its result or its error.
says() {
    out=$(real)
    code=$?
    [ -z "$out" ] || printf %s "$out" | jq -c "$1"
    return "$code"
}

# A command in the container's network.
within() { ip netns exec "$(basename "$CNI_NETNS")" "$@"; }

# The container loses incoming packets that look so, in the words of nft.
drops() { within nft "table inet broken { chain in { type filter hook input priority 0; $1 drop; }; }"; }

# Something on the node that nobody takes away.
leave() { nft add table ip "left-$CNI_CONTAINERID"; }

# Keeps in mind whom it attached; `end_all` is a DEL of each of them, with the standard input changed by a filter of jq.
remember() { ! on ADD || echo "$CNI_CONTAINERID $CNI_IFNAME" >>"$0.attached"; }
end_all() {
    printf %s "$in" | jq -c "$1" >"$0.ended"
    while read -r id ifname; do
        CNI_COMMAND=DEL CNI_CONTAINERID=$id CNI_IFNAME=$ifname CNI_NETNS=/run/netns/$id "$plugin" <"$0.ended"
    done <"$0.attached"
}

# This verb leaves something where it is killed, and nothing where it comes to its end.
untidy() {
    on "$1" || { real; exit; }
    mark=/var/lib/cni/left-$$
    : >"$mark"
    real
    code=$?
    rm "$mark"
    exit "$code"
}
