#!/usr/bin/env bash
# On the emulator, the two steps that the deployment to AWS has: the same scripts, with another endpoint.
# Run it with: python -m tools.on_local_aws bash examples/github-actions/try.sh
set -euo pipefail
export STACK=staging-pupline PREFIX=staging- RUN_ID=smoke PARAMETERS="Source=$SAMPLE_SOURCE"
export CODE_BUCKET=code CLOUDFORMATION_ROLE=arn:aws:iam::000000000000:role/staging-pupline-cloudformation
export BOUNDARY=arn:aws:iam::000000000000:policy/pupline-boundary-staging
.venv/bin/python -c "import boto3; boto3.client('s3').create_bucket(Bucket='$CODE_BUCKET')"
bash examples/github-actions/deploy.sh
bash examples/github-actions/smoke_test.sh
