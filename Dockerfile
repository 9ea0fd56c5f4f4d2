# One target per component. `make images` makes what they copy (a bundle each, and the native files of this platform
# only) and builds them with docker or buildah; the same input gives the same digest.
ARG BASE=node:24.21.0-trixie-slim
FROM ${BASE} AS component
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.vendor="JiChat" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV NODE_ENV=production
# Nobody: no file belongs to it, and nothing under / may be written.
USER 65532:65532
WORKDIR /app
# A young heap of the same size in any pod: V8 would give one of 512 MB 1 MB, and keep 130 on a large node
# (docs/adr/0012-bench.md; testkit/src/local/heaps.ts says the same for `make run`).
ENTRYPOINT ["node", "--max-semi-space-size=16", "/app/dist/main.mjs"]

FROM component AS connector
LABEL org.opencontainers.image.title="jichat-connector" \
      org.opencontainers.image.description="The WebSocket edge: where devices are connected"
# What a connector makes dies at once, or stays as long as its socket.
ENTRYPOINT ["node", "--max-semi-space-size=8", "/app/dist/main.mjs"]
COPY connector /app

FROM component AS router
LABEL org.opencontainers.image.title="jichat-router" \
      org.opencontainers.image.description="Gives each conversation its one order, and sends out what it ordered"
COPY router /app

FROM component AS storage
LABEL org.opencontainers.image.title="jichat-storage" \
      org.opencontainers.image.description="Brings the log into ClickHouse, and answers from it"
COPY storage /app

FROM component AS api
LABEL org.opencontainers.image.title="jichat-api" \
      org.opencontainers.image.description="REST, sign-in and the page"
ENV WEB_ROOT=/app/web
COPY api /app

FROM component AS push
LABEL org.opencontainers.image.title="jichat-push" \
      org.opencontainers.image.description="Tells people who are away, by the push services of their devices"
# Its bounds add up to 240 MB. Without this, V8 would keep more than as much again of what is over.
ENTRYPOINT ["node", "--max-semi-space-size=16", "--max-old-space-size=384", "/app/dist/main.mjs"]
COPY push /app

FROM component AS operator
LABEL org.opencontainers.image.title="jichat-operator" \
      org.opencontainers.image.description="Makes ChatClusters true"
# It sleeps most of its life: a small heap, and one arena where glibc would keep one per thread, mostly empty. It
# collects garbage in one thread: helpers would take both cores of a small machine at once from those that serve.
ENV MALLOC_ARENA_MAX=1
ENTRYPOINT ["node", "--max-semi-space-size=4", "--single-threaded-gc", "--max-old-space-size=64", "--optimize-for-size", "/app/dist/main.mjs"]
COPY operator /app

# storage with the engine inside, for `clickhouse.embedded`: 540 MB more.
FROM storage AS storage-embedded
ENV CHDB_HOME=/app
COPY storage-embedded /app
