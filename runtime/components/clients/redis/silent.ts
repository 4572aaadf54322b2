import type { Logger } from "../../../shared/log.ts";

/** For a component's further connections: what is wrong with the server, the first one tells. */
export const silent: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  fatal() {},
  always() {},
  scope: () => silent,
};
