# One image for every role: `docker run palaver node`, `docker run palaver migrate`.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin palaver && install -D target/release/palaver /out/palaver

FROM debian:bookworm-slim
# Certificate authorities: Postgres and Redis are often reached over TLS.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin palaver
# Pictures of people, unless they are kept in S3.
RUN install -d -o palaver /var/lib/palaver
COPY --from=build /out/palaver /usr/local/bin/palaver
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/palaver/
USER 10001
ENV PALAVER_LISTEN=0.0.0.0:8080 PALAVER_METRICS_LISTEN=0.0.0.0:9090 PALAVER_FILES__URL=file:/var/lib/palaver
EXPOSE 8080 9090
# SIGTERM drains: not ready first, then sockets are told to come back elsewhere.
STOPSIGNAL SIGTERM
ENTRYPOINT ["palaver"]
CMD ["node"]
