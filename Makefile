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
settings := GOARM64=v8.0 GOAMD64=v1 GOEXPERIMENT= GOFIPS140=off GOFLAGS= GOWORK=off
lambda = CGO_ENABLED=0 GOOS=linux GOARCH=$(ARCH) $(settings) go build $(goflags) -tags lambda.norpc
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
	@echo 'make image     dist/image: the container image for ARCH, as an OCI layout; needs buildah'
	@echo 'make release-snapshot  dist/release: all that a release has, without publishing it'
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

# What the image has: the program, and the certificates of public authorities from this machine.
OS ?= linux
ROOTFS ?= dist/rootfs/$(ARCH)/rootfs
certificates := /etc/ssl/certs/ca-certificates.crt
.PHONY: rootfs
rootfs:
	rm -rf "$(ROOTFS)"
	install -d "$(ROOTFS)/usr/bin" "$(ROOTFS)$(dir $(certificates))"
	CGO_ENABLED=0 GOOS=$(OS) GOARCH=$(ARCH) $(settings) go build $(goflags) -o "$(ROOTFS)/usr/bin/personalize-monitor" $(main)
	install -m 0644 $(certificates) "$(ROOTFS)$(certificates)"

# The last stage of the Dockerfile, over the same files: no other image is needed, and the build has no time in it.
# Neither root nor a kernel with overlays is needed.
IMAGE ?= dist/image
.PHONY: image
image: rootfs
	rm -rf "$(IMAGE)"
	buildah --storage-driver vfs --root "$(abspath dist/rootfs/storage)" --runroot "$(abspath dist/rootfs/run)" build --isolation chroot \
		--pull=never --platform linux/$(ARCH) --timestamp 0 --identity-label=false --build-arg VERSION=$(VERSION) \
		--build-context build="$(abspath $(ROOTFS)/..)" --file Dockerfile --tag "oci:$(IMAGE):$(VERSION)" .

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
