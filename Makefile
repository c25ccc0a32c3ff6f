# make help lists the targets.

STACK ?= personalize-monitor
REGION ?= $(or $(AWS_REGION),$(AWS_DEFAULT_REGION))
ARCH ?= arm64
BUCKET ?=
DIST ?= dist
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
	PERSONALIZE_MONITOR_WRITE_DOCS=1 go test ./internal ./internal/cli ./internal/serve ./test/release -run '^TestReference' -count=1

.PHONY: package
package:
	$(lambda) -o $(DIST)/$(ARCH)/bootstrap $(bootstrap)
	go run ./tools/pack -binary $(DIST)/$(ARCH)/bootstrap -template template.yaml -arch $(ARCH) -out $(DIST)

# What the image has: the program, its licences, and the certificates of public authorities. Debian has those apart from what was added to the
# machine, such as the authority of a company's proxy, which others must not trust. Elsewhere they are those that the machine trusts.
licences := LICENSE THIRD_PARTY_LICENSES
OS ?= linux
ROOTFS ?= dist/rootfs/$(ARCH)/rootfs
certificates := /etc/ssl/certs/ca-certificates.crt
authorities := $(or $(sort $(wildcard /usr/share/ca-certificates/mozilla/*.crt)),$(certificates))
.PHONY: rootfs
rootfs:
	rm -rf "$(ROOTFS)"
	install -d "$(ROOTFS)/usr/bin" "$(ROOTFS)$(dir $(certificates))"
	CGO_ENABLED=0 GOOS=$(OS) GOARCH=$(ARCH) $(settings) go build $(goflags) -o "$(ROOTFS)/usr/bin/personalize-monitor" $(main)
	chmod 0755 "$(ROOTFS)/usr/bin/personalize-monitor"
	@cat $(authorities) >"$(ROOTFS)$(certificates)"
	chmod 0644 "$(ROOTFS)$(certificates)"
	install -D -m 0644 -t "$(ROOTFS)/usr/share/doc/personalize-monitor" $(licences)

# The last stage of the Dockerfile, over the same files: no other image is needed, and the build has no time in it.
# Neither root nor a kernel with overlays is needed.
IMAGE ?= dist/image
.PHONY: image
image: rootfs
	rm -rf "$(IMAGE)"
	buildah --storage-driver vfs --root "$(abspath $(ROOTFS)/../../storage)" --runroot "$(abspath $(ROOTFS)/../../run)" build --isolation chroot \
		--pull=never --platform linux/$(ARCH) --timestamp 0 --identity-label=false --label org.opencontainers.image.version=$(VERSION) \
		--build-context build="$(abspath $(ROOTFS)/..)" --file Dockerfile --tag "oci:$(IMAGE):$(VERSION)" .

# Tools of the release and of its tests, at fixed versions. Each is compiled once and kept.
tools := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/personalize-monitor/bin
goreleaser := github.com/goreleaser/goreleaser/v2@v2.15.1
cyclonedx := github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
nfpm := github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2
kubeconform := github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0
installed = $(tools)/.$(subst /,_,$(1))
$(tools)/.%:
	CGO_ENABLED=0 GOFLAGS= GOWORK=off GOBIN="$(tools)" go install -ldflags=-w $(subst _,/,$*)
	@touch "$@"
.PHONY: release-tools
release-tools: $(foreach tool,$(cyclonedx) $(nfpm) $(kubeconform),$(call installed,$(tool)))
	@echo "$(tools)"

# Everything in the release has the time of the commit.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null)
archive = tar --sort=name --mtime=@$(SOURCE_DATE_EPOCH) --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX
extra := dist/release-extra
.PHONY: release-extra
release-extra: $(call installed,$(cyclonedx))
	rm -rf $(extra)
	install -d $(extra)
	$(MAKE) $(foreach arch,amd64 arm64,release-extra-$(arch))
	$(archive) --transform 's,^LICENSE,personalize-monitor/&,' -c LICENSE -C deploy/helm personalize-monitor | gzip -9n >$(extra)/personalize-monitor-chart_$(VERSION).tgz
	$(archive) --transform 's,^LICENSE,terraform/&,' -c LICENSE -C deploy terraform | gzip -9n >$(extra)/personalize-monitor-terraform_$(VERSION).tgz

# For an architecture: the image, as an archive that buildah, podman and skopeo read, and the folder for AWS Lambda with the
# bill of materials of its program.
.PHONY: release-extra-amd64 release-extra-arm64
release-extra-amd64 release-extra-arm64: release-extra-%:
	$(MAKE) image ARCH=$* IMAGE=dist/image-$*
	$(archive) -C dist/image-$* -c . | gzip -9n >$(extra)/personalize-monitor-image_$(VERSION)_$*.tar.gz
	rm -rf dist/lambda-$*
	$(MAKE) package ARCH=$* DIST=dist/lambda-$*
	$(tools)/cyclonedx-gomod bin -json -std -noserial -notimestamp -version "v$(VERSION)" \
		-output $(extra)/personalize-monitor-lambda_$(VERSION)_$*.cdx.json dist/lambda-$*/$*/bootstrap
	cp THIRD_PARTY_LICENSES dist/lambda-$*
	$(archive) -C dist/lambda-$* --exclude ./$* -c . | gzip -9n >$(extra)/personalize-monitor-lambda_$(VERSION)_$*.tar.gz

goreleaser_run = VERSION=$(VERSION) PATH="$(tools):$$PATH" $(tools)/goreleaser release --clean
.PHONY: release-snapshot
release-snapshot: $(call installed,$(goreleaser)) $(call installed,$(cyclonedx)) release-extra
	$(goreleaser_run) --snapshot
	cp $(extra)/* dist/release/

# It publishes a draft. The tag has to be the version of the template.
.PHONY: release
release: VERSION := $(release)
release: $(call installed,$(goreleaser)) $(call installed,$(cyclonedx))
	@test "$$(git describe --exact-match --tags 2>/dev/null)" = "v$(VERSION)" || { echo 'make release: the commit has no tag v$(VERSION), the version in template.yaml' >&2; exit 1; }
	$(MAKE) release-extra VERSION=$(VERSION)
	$(goreleaser_run)
	cp $(extra)/* dist/release/

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
