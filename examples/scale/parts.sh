#!/usr/bin/env bash
# A list that is too large for one run through Step Functions, ingested in parts: each a run, one after the other.
#
#   parts.sh LIST RUN [OPTION...]
#
# LIST: any list or source of `pupline ingest`. The parts are the runs RUN-001, RUN-002, ... OPTION: options of ingest,
# such as --backend aws --stack pupline. PART: images in a part, by default what one run takes if the list has at most
# 400 bytes about each. WORK: where the parts are kept, with room for the list; remove it afterwards. Repeat the command
# to continue after anything that broke: the list is read once, a run that has ended is not run again, and one that was
# interrupted continues.
set -euo pipefail

list=$1 run=$2
shift 2
work=${WORK:-pupline-parts}/$run
name=${list##*/}
images=$work/${name%.*}.jsonl # whose name is the dataset's

if [ ! -e "$work/complete" ]; then
    rm -rf "$work"
    mkdir -p "$work"
    pupline ingest "$list" --dry-run --json | split -a 4 -l "${PART:-25000000}" - "$work/part-"
    touch "$work/complete"
fi

number=0
worst=0
for part in "$work"/part-*; do
    number=$((number + 1))
    status=0
    ln -f "$part" "$images"
    pupline ingest "$images" --workflow --run-id "$(printf '%s-%03d' "$run" "$number")" "$@" || status=$?
    [ "$status" -le 1 ] || exit "$status" # 1: some images failed, which the audit says
    [ "$status" -le "$worst" ] || worst=$status
done
exit "$worst"
