# Ticklock as one image: `docker build -t ticklock .`
# Nobody has built this file on the machine it was written on (no engine there): the tidy tests read it, and
# the first build on your side is its first. Tell us when it fails.

FROM node:26-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build

FROM node:26-slim
ENV NODE_ENV=production
WORKDIR /app
COPY package.json package-lock.json ./
# The optional packages are Node itself and an embedded PostgreSQL. The image has the first, and a fleet
# has a database server of its own.
RUN npm ci --omit=dev --omit=optional && npm cache clean --force
COPY --from=build /app/dist ./dist
COPY bin ./bin
COPY tools/node-version.js ./tools/node-version.js
COPY migrations ./migrations
COPY services/billing/kit/style.css ./services/billing/kit/style.css
RUN mkdir /data && chown node:node /data
USER node
ENV TICKLOCK_HOST=0.0.0.0 TICKLOCK_DATA=/data TICKLOCK_HTTP_PORT=8080 TICKLOCK_TCP_PORT=7443 TICKLOCK_WS_PORT=7444 TICKLOCK_NTP_PORT=7123
VOLUME /data
EXPOSE 8080 7443 7444 7123/udp
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD node -e "fetch('http://127.0.0.1:8080/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"
ENTRYPOINT ["node", "bin/ticklock.js"]
CMD ["up"]
