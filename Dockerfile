# The image has the program, its licences and the certificates of public authorities, and nothing else. It runs as a user without rights, and
# writes no file unless a flag names one. docs/guide/install.md has how to build and run it.
ARG GO_IMAGE=docker.io/library/golang:1.26

FROM --platform=$BUILDPLATFORM $GO_IMAGE AS build
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=""
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN make rootfs OS="$TARGETOS" ARCH="$TARGETARCH" ROOTFS=/rootfs ${VERSION:+VERSION="$VERSION"}

FROM scratch
LABEL org.opencontainers.image.title="Personalize Monitor" \
      org.opencontainers.image.source="https://github.com/personalize-monitor/personalize-monitor" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /rootfs/ /
ENV PATH=/usr/bin HOME=/home/monitor
USER 65532:65532
EXPOSE 8090
ENTRYPOINT ["/usr/bin/personalize-monitor"]
