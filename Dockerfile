# One image for the API and the workers: the command decides which (docker-compose.yml).
FROM node:22-slim
WORKDIR /errata
COPY package.json package-lock.json .npmrc prisma.config.ts ./
COPY prisma prisma
COPY packages packages
COPY apps apps
RUN npm ci --omit=dev && node apps/cli/bin/errata.js --version
COPY models models
ENV NODE_ENV=production BLOBS_DIR=/blobs
RUN mkdir /blobs && chown node /blobs
USER node
