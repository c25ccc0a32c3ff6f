# make help lists the targets.

STACK ?= personalize-monitor
REGION ?= $(or $(AWS_REGION),$(AWS_DEFAULT_REGION))
ARCH ?= arm64
BUCKET ?=
PARAMS ?=

# The template has the release; a build from a clone adds its commit.
release := $(shell sed -n 's/^ *SemanticVersion: *//p' template.yaml)
commit := $(shell git rev-parse --short=12 HEAD 2>/dev/null)
changed := $(if $(commit),$(shell git status --porcelain --untracked-files=no 2>/dev/null))
VERSION ?= $(release)$(if $(commit),+$(commit)$(if $(changed),.changed))

# The same commit and the same Go give the same program: nothing of the machine, its directories or its settings is part of it.
goflags := -trimpath -buildvcs=false -mod=readonly -ldflags "-s -w -X main.version=$(VERSION)"
lambda = CGO_ENABLED=0 GOOS=linux GOARCH=$(ARCH) GOARM64=v8.0 GOAMD64=v1 GOEXPERIMENT= GOFIPS140=off GOFLAGS= GOWORK=off go build $(goflags) -tags lambda.norpc
main := ./cmd/personalize-monitor
bootstrap := ./cmd/personalize-monitor-lambda

.PHONY: help
help:
	@echo 'make build     the command personalize-monitor, for this machine'
	@echo 'make test      all tests'
	@echo 'make docs      write the generated parts of the documents'
	@echo 'make package   dist/: the zip and the template for AWS Lambda (ARCH=arm64 or amd64)'
	@echo 'make deploy    create or update the stack (STACK, REGION, BUCKET, PARAMS="Key=Value …")'
	@echo 'make delete    delete the stack and what was created outside of it (STACK, REGION)'
	@echo 'make publish   publish to the Serverless Application Repository (REGION, BUCKET); needs the SAM CLI'
	@echo 'make clean     remove what was built'

.PHONY: build
build:
	CGO_ENABLED=0 go build $(goflags) -o personalize-monitor $(main)

.PHONY: test
test:
	./test.sh

.PHONY: docs
docs:
	PERSONALIZE_MONITOR_WRITE_DOCS=1 go test ./internal ./internal/cli ./internal/serve -run '^TestReference' -count=1

.PHONY: package
package:
	$(lambda) -o dist/$(ARCH)/bootstrap $(bootstrap)
	go run ./tools/pack -binary dist/$(ARCH)/bootstrap -template template.yaml -arch $(ARCH) -out dist

# It is passed in the environment, so that the shell does not interpret it.
export PARAMS
.PHONY: deploy
deploy: package
	go run ./tools/deploy -stack "$(STACK)" -region "$(REGION)" -bucket "$(BUCKET)" -params "$$PARAMS"

.PHONY: delete
delete:
	aws cloudformation delete-stack --stack-name "$(STACK)" $(if $(REGION),--region "$(REGION)")
	aws cloudformation wait stack-delete-complete --stack-name "$(STACK)" $(if $(REGION),--region "$(REGION)")

# The repository must be allowed to read the bucket:
# https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-template-publishing-applications.html
.PHONY: publish
publish: package
	@test -n "$(BUCKET)" -a -n "$(REGION)" || { echo 'make publish: set BUCKET=… and REGION=…' >&2; exit 1; }
	aws cloudformation package --template-file dist/template.yaml --output-template-file dist/packaged.yaml \
		--s3-bucket "$(BUCKET)" --s3-prefix "$(STACK)" --region "$(REGION)"
	sam publish --template dist/packaged.yaml --region "$(REGION)"

.PHONY: clean
clean:
	rm -rf dist personalize-monitor .aws-sam

# sam build calls build-<logical id> for each function. It expects the program in ARTIFACTS_DIR, for the architecture in
# the template, whatever ARCH is in the environment.
functions := MonitorFunction DashboardManagementFunction UpdateTPSFunction DeleteCampaignFunction StopRecommenderFunction CleanupFunction
.PHONY: $(addprefix build-,$(functions))
$(addprefix build-,$(functions)): override ARCH := $(if $(findstring x86_64,$(shell sed -n 's/^ *Architectures: *//p' template.yaml)),amd64,arm64)
$(addprefix build-,$(functions)):
	$(lambda) -o "$(ARTIFACTS_DIR)/bootstrap" $(bootstrap)
