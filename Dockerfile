# One image for the API and the workers: the command decides which (docker-compose.yml). The API serves the dashboard, which is built aside.
# Its target `gpu` has the loader of Vulkan too, by which the runtime reaches a card; the driver comes from the host.
FROM node:22-slim AS sources
WORKDIR /errata
COPY package.json package-lock.json .npmrc prisma.config.ts ./
COPY prisma prisma
COPY packages packages
COPY apps apps

FROM sources AS dashboard
RUN npm ci && npm run build -w apps/web

FROM sources AS programs
RUN npm ci --omit=dev && node apps/cli/bin/errata.js --version
COPY --from=dashboard /errata/apps/web/dist apps/web/dist
COPY models models
ENV NODE_ENV=production BLOBS_DIR=/blobs
RUN mkdir /blobs && chown node /blobs
USER node

FROM programs AS gpu
USER root
RUN apt-get update && apt-get install -y --no-install-recommends libvulkan1 libegl1 libxext6 && rm -rf /var/lib/apt/lists/*
USER node

# What is built where no target is named.
FROM programs
