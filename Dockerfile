# One image for the sidecar and the control plane; what runs is its first argument: /daprd, operator or injector.
# `npm run images` builds it. For the sidecar alone:
#   docker run --rm --network host -v "$PWD/components:/components" IMAGE /daprd --app-id x --resources-path /components
FROM node:24-slim
# An init for process 1: there a program that has no handler yet, as it starts, does not see SIGTERM.
RUN apt-get update -qq \
 && apt-get install -qq --no-install-recommends tini > /dev/null \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
ENV NODE_ENV=production MALLOC_ARENA_MAX=1
WORKDIR /dapr
# Node's flag is the sidecar's memory limit (docs/decisions/memory.md): given here, it need not start anew.
# .dapr is where the embedded broker may keep its file.
RUN program() { printf '#!/usr/local/bin/node --max-semi-space-size=4\n%s\n' "$2" > "$1" && chmod 755 "$1"; } \
 && program /daprd 'import("/dapr/dist/daprd.js");' \
 && for word in operator injector; do program /usr/local/bin/$word \
      "process.argv.splice(1, 1, '/dapr/control-plane/control-plane.mjs', '$word'); import('/dapr/control-plane/control-plane.mjs');"; done \
 && ln -s /daprd daprd && mkdir .dapr && chown 1000:1000 .dapr
COPY runtime/package.json ./
COPY dist ./dist
COPY dist.kubernetes ./control-plane
# By number: Kubernetes must see that it is not root.
USER 1000:1000
EXPOSE 3500 50001 9090
# It runs its arguments, passes signals on, and ends as they do; `-s` for pods whose containers share their processes.
ENTRYPOINT ["/usr/bin/tini-static", "-s", "--"]
CMD ["/daprd"]
