#!/usr/bin/env bash
# One shard of a list on each of some machines, and all of them joined here at the end.
#
#   ssh.sh LIST RUN RESULTS HOST...
#
# RESULTS: a directory here; the shards' data directories are copied into it, and RESULTS/all is what they make
# together. OPTIONS: more options of ingest. Each HOST needs pupline, and is reached by ssh and rsync. Repeat the
# command to continue after anything that broke.
set -euo pipefail

list=$1 run=$2 results=$3
shift 3
remote_list=pupline-$run.${list##*.} remote_data=pupline-$run

fetch() { # HOST SHARD COUNT
    local status=0
    rsync -a "$list" "$1:$remote_list"
    ssh "$1" "pupline ingest $remote_list --shard $2/$3 --run-id $run --data $remote_data ${OPTIONS:-}" </dev/null ||
        status=$?
    rsync -a --delete "$1:$remote_data/" "$results/shard-$2/"
    [ "$status" -le 1 ] # 1: some images failed, which the audit says
}

mkdir -p "$results"
shard=0
children=()
for host in "$@"; do
    shard=$((shard + 1))
    fetch "$host" "$shard" "$#" &
    children+=("$!")
done
for child in "${children[@]}"; do
    wait "$child"
done

pupline merge "$results"/shard-* --data "$results/all"
