# The sidecar's image. Build it from a checkout where `npm install` has made dist/:
#   docker build -t dapr-ts .
#   docker run --rm --network host -v "$PWD/components:/components" dapr-ts --app-id x --resources-path /components
FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /dapr
COPY runtime/package.json ./
COPY dist ./dist
# Its own folder, where the embedded broker may keep its file.
RUN mkdir -p .dapr && chown node:node .dapr
USER node
EXPOSE 3500 50001 9090
ENTRYPOINT ["node", "dist/daprd.js"]
