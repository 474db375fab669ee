# Targets of the AWS side. Each tool has its own environment: they pin other versions of libraries that pupline uses.

.venv/aws-tools/stamp: requirements/aws-tools.txt | .venv/run.stamp
	@echo "Installing the template's checkers into .venv/aws-tools ..."
	@test -x .venv/aws-tools/bin/python || $(PYTHON) -m venv .venv/aws-tools
	@.venv/aws-tools/bin/pip $(PINNED) -r requirements/aws-tools.txt
	@touch $@

.venv/ministack/stamp: requirements/ministack.txt | .venv/run.stamp
	@echo "Installing the local AWS into .venv/ministack ..."
	@test -x .venv/ministack/bin/python || $(PYTHON) -m venv .venv/ministack
	@.venv/ministack/bin/pip install --quiet --require-hashes -r requirements/ministack.txt
	@touch $@

# Without dependencies: with hashes, pip refuses boto3-stubs, which the SAM CLI wants with extras. The pins are complete.
.venv/sam/stamp: requirements/sam.txt | .venv/run.stamp
	@echo "Installing the SAM CLI into .venv/sam ..."
	@test -x .venv/sam/bin/python || $(PYTHON) -m venv .venv/sam
	@.venv/sam/bin/pip install --quiet --no-deps --require-hashes -r requirements/sam.txt
	@touch $@

.PHONY: aws-tools
aws-tools: .venv/aws-tools/stamp .venv/ministack/stamp .venv/sam/stamp  ## Tools for the tests of the AWS side; without them these tests are skipped

# The user's own SAM CLI, or that of .venv/sam.
SAM := $(if $(shell command -v sam),sam,.venv/sam/bin/sam)

.PHONY: package
package: $(if $(filter .venv/%,$(SAM)),.venv/sam/stamp)  ## The same as `sam build`: what the next sam deploy deploys
	@$(SAM) build

.PHONY: aws-local
aws-local: .venv/dev.stamp .venv/ministack/stamp  ## Deploy the stack to a local AWS, run a few executions, look around
	@$(BIN)/python -m tools.aws_local

.PHONY: lock-aws
lock-aws:  ## Pin the tools of the AWS side again (needs uv)
	$(LOCK) requirements/aws-tools.in -o requirements/aws-tools.txt
	$(LOCK) requirements/ministack.in -o requirements/ministack.txt
	$(LOCK) requirements/sam.in -o requirements/sam.txt
