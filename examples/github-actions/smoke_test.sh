#!/usr/bin/env bash
# Three executions on the stack STACK, named RUN_ID-00001 and so on: it fails unless each stores its image.
set -euo pipefail
.venv/bin/pupline run --backend aws --stack "$STACK" --count 3 --run-id "$RUN_ID"
