#!/usr/bin/env bash
#SBATCH --job-name=pupline
#SBATCH --array=1-16
#SBATCH --cpus-per-task=4
#SBATCH --time=08:00:00
#SBATCH --signal=TERM@120
#SBATCH --requeue
#
# One shard of a list on each node. LIST: the list, where all nodes can read it. RUN: a name for the run.
# RESULTS: a shared directory; each shard's data directory ends in RESULTS/RUN/SHARD. OPTIONS: more options of ingest.
#
#   LIST=/shared/urls.csv RUN=monday RESULTS=/shared/dogs sbatch slurm.sh
#
# The work is done on the node's own disk, because SQLite does not work on most network file systems. Two minutes
# before the time limit pupline is told to stop; submitted again with the same names, the task continues.
set -euo pipefail

shard=$((SLURM_ARRAY_TASK_ID - ${SLURM_ARRAY_TASK_MIN:-1} + 1))
results=$RESULTS/$RUN/$shard
work=$(mktemp -d "${TMPDIR:-/tmp}/pupline-XXXXXX")
trap 'rm -rf "$work"' EXIT

[ -d "$results" ] || [ ! -d "$results.new" ] || mv "$results.new" "$results"
mkdir -p "$results"
cp -a "$results/." "$work/"

status=0
# shellcheck disable=SC2086  # OPTIONS are several words
srun pupline ingest "$LIST" --shard "$shard/$SLURM_ARRAY_TASK_COUNT" --run-id "$RUN" --data "$work" ${OPTIONS:-} ||
    status=$?

# Whole or not at all, whatever happens on the way.
rm -rf "$results.new"
cp -a "$work" "$results.new"
rm -rf "$results"
mv "$results.new" "$results"

# 1: some images failed, which the audit says. 130: told to stop before the end.
[ "$status" -le 1 ] || exit "$status"
