# The worker, and every other command of sqlferry: docker run sqlferry:local --help
# Debian, since Temporal's native core needs glibc.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev && rm -rf .sqlferry

FROM node:24-bookworm-slim
# Temporal's core takes the roots for TLS from the system.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
WORKDIR /app
# The last two keep a worker with many links small (`npm run bench -- links`): V8 would give the young generation 128 MB,
# and glibc an arena to each of the SDK's threads.
ENV NODE_ENV=production NODE_OPTIONS=--max-semi-space-size=8 MALLOC_ARENA_MAX=2
COPY --from=build /app/package.json ./
COPY --from=build /app/bin ./bin
COPY --from=build /app/dist ./dist
COPY --from=build /app/examples ./examples
COPY --from=build /app/node_modules ./node_modules
# The user `node` (1000) of the base image; a volume mounted here takes over its owner.
RUN mkdir -p /var/lib/sqlferry && chown node:node /var/lib/sqlferry
USER node
ENTRYPOINT ["node", "bin/sqlferry.js"]
CMD ["worker"]
