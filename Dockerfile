# The image of Xyn: `xyn-api` by default, `xyn-worker` with the command `node bin/xyn-worker.js`.
#
#   npm ci && npm run build && docker build --tag xyn .
#
# It runs as a user without rights on a read-only root file system; what it writes goes to /var/lib/xyn and /tmp.
ARG BASE=node:20-bookworm-slim

FROM ${BASE} AS install
WORKDIR /opt/xyn
# Another registry of packages: --build-arg NPM_CONFIG_REGISTRY=…
ARG NPM_CONFIG_REGISTRY
COPY package.json package-lock.json ./
COPY docker/*.mjs docker/
RUN node docker/production-lock.mjs \
 && npm ci --ignore-scripts --no-audit --no-fund --cache /tmp/npm \
 && node docker/slim.mjs \
 && rm -rf /tmp/npm docker/production-lock.mjs docker/slim.mjs \
 && mkdir -p /var/lib/xyn

FROM ${BASE}
ENV NODE_ENV=production XYN_STATE_DIR=/var/lib/xyn
WORKDIR /opt/xyn
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["node", "docker/healthcheck.mjs"]
# Node is process 1 and takes SIGTERM itself: steps that run get 28 s to end.
CMD ["node", "bin/xyn-api.js"]
EXPOSE 7420
COPY --from=install --chown=10001:10001 /var/lib/xyn /var/lib/xyn
COPY --from=install /opt/xyn ./
COPY LICENSE ./
COPY bin bin
COPY blueprints blueprints
COPY prisma/migrations prisma/migrations
COPY dist dist
USER 10001:10001
VOLUME /var/lib/xyn
