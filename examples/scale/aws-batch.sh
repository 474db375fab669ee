#!/usr/bin/env bash
# One child of an AWS Batch array job: one shard of a list.
#
# LIST: s3://BUCKET/KEY of the list. RUN: a name for the run. RESULTS: s3://BUCKET/PREFIX; each shard's data directory
# ends in RESULTS/RUN/SHARD. WORK: a directory on the instance's disk. OPTIONS: more options of ingest.
#
# The image needs pupline and the AWS CLI, and its job role may read LIST and read and write RESULTS. A child that is
# stopped (a spot instance that is taken back) saves what it has, and its next attempt continues there.
set -euo pipefail

shard=$((AWS_BATCH_JOB_ARRAY_INDEX + 1))
results=$RESULTS/$RUN/$shard
work=${WORK:-/tmp}/$RUN-$shard
list=$work.${LIST##*.}

mkdir -p "$work"
aws s3 cp --only-show-errors "$LIST" "$list"
aws s3 sync --only-show-errors "$results" "$work"

# shellcheck disable=SC2086  # OPTIONS are several words
pupline ingest "$list" --shard "$shard/$AWS_BATCH_JOB_ARRAY_SIZE" --run-id "$RUN" --data "$work" ${OPTIONS:-} &
child=$!
trap 'kill -TERM "$child" 2>/dev/null || true' TERM INT
status=0
wait "$child" || status=$?
while kill -0 "$child" 2>/dev/null; do # a signal ended the waiting, not the child
    status=0
    wait "$child" || status=$?
done

aws s3 sync --only-show-errors --delete "$work" "$results"

# 1: some images failed, which the audit says. 130: told to stop before the end; the next attempt continues.
[ "$status" -le 1 ] || exit "$status"
