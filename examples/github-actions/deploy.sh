#!/usr/bin/env bash
# Deploy what `sam build` made as the stack STACK, whose names begin with PREFIX. CLOUDFORMATION_ROLE, BOUNDARY and
# CODE_BUCKET are outputs of role.yaml; PARAMETERS are more of the template's parameters, such as "Contact=you@example.com".
set -euo pipefail
# shellcheck disable=SC2086  # each of PARAMETERS is a word
.venv/sam/bin/sam deploy --config-file "$PWD/samconfig.example.toml" --no-confirm-changeset \
  --stack-name "$STACK" --no-resolve-s3 --s3-bucket "$CODE_BUCKET" --s3-prefix "$STACK" \
  --role-arn "$CLOUDFORMATION_ROLE" --tags "stack=$STACK" \
  --parameter-overrides "NamePrefix=$PREFIX" "PermissionsBoundary=$BOUNDARY" ${PARAMETERS:-}
