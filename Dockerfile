# The `licet` program in an image with nothing else: no shell, no package manager, no root.
#
#   docker build -t licet .
#
# Where the program was built already, an image that holds it at /out/licet takes the place of the stage that builds it
# (--build-arg BINARIES=IMAGE), and any image with glibc and certificates the place of the last one's (--build-arg BASE=IMAGE).
ARG BUILDER=rust:1.95.0-bookworm
ARG BASE=gcr.io/distroless/cc-debian12:nonroot
ARG BINARIES=build

FROM ${BUILDER} AS build
WORKDIR /src
COPY . .
# The browser app lies in the program. Caches are kept between builds, so the program is copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    rustup target add wasm32-unknown-unknown \
    && cargo run --locked --quiet --package xtask -- ui \
    && SQLX_OFFLINE=true cargo build --locked --release --package licet-api \
    && install -D target/release/licet /out/licet && mkdir /out/archive /out/backups /out/scratch

# hadolint ignore=DL3006
FROM ${BINARIES} AS binaries

# hadolint ignore=DL3006
FROM ${BASE}
COPY --from=binaries /out/licet /usr/local/bin/licet
# Whoever mounts a volume here finds that it may be written.
COPY --from=binaries --chown=65532:65532 /out/archive /var/lib/licet/archive
COPY --from=binaries --chown=65532:65532 /out/backups /var/lib/licet/backups
COPY --from=binaries --chown=65532:65532 /out/scratch /var/lib/licet/scratch
USER 65532:65532
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["/usr/local/bin/licet", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/licet"]
CMD ["serve", "--listen", "0.0.0.0:8080"]
