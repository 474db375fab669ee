# Targets of the AWS side. Each tool has its own environment: they pin other versions of libraries that pupline uses.

.venv/aws-tools/stamp: requirements/aws-tools.txt | .venv/run.stamp
	@echo "Installing the template's checkers into .venv/aws-tools ..."
	@test -x .venv/aws-tools/bin/python || $(PYTHON) -m venv .venv/aws-tools
	@.venv/aws-tools/bin/pip install --quiet --require-hashes -r requirements/aws-tools.txt
	@touch $@

.venv/ministack/stamp: requirements/ministack.txt | .venv/run.stamp
	@echo "Installing the local AWS into .venv/ministack ..."
	@test -x .venv/ministack/bin/python || $(PYTHON) -m venv .venv/ministack
	@.venv/ministack/bin/pip install --quiet --require-hashes -r requirements/ministack.txt
	@touch $@

.PHONY: aws-tools
aws-tools: .venv/aws-tools/stamp .venv/ministack/stamp  ## Tools for the tests of the AWS side; without them these tests are skipped

.PHONY: package
package: .venv/run.stamp  ## Stage each Lambda function's code for sam deploy
	@$(BIN)/pupline package

.PHONY: aws-local
aws-local: .venv/dev.stamp .venv/ministack/stamp  ## Deploy the stack to a local AWS, run a few executions, look around
	@$(BIN)/python -m tools.aws_local

.PHONY: lock-aws
lock-aws:  ## Pin the tools of the AWS side again (needs uv)
	$(LOCK) requirements/aws-tools.in -o requirements/aws-tools.txt
	$(LOCK) requirements/ministack.in -o requirements/ministack.txt
