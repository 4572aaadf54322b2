/** Dapr's API log: one line per answered request that was let in, whatever the log level (docs/protocol/daprd.md). */
import type { Logger } from "../../shared/log.ts";
import { header } from "./request.ts";
import type { OnAnswered } from "./server.ts";

export interface ApiLogOptions {
  /** Names of operations instead of URLs, as a URL may hold keys and names of secrets. */
  obfuscateUrls: boolean;
  omitHealthChecks: boolean;
}

export function createApiLog(
  log: Logger,
  { obfuscateUrls, omitHealthChecks }: ApiLogOptions,
): OnAnswered {
  return (request, reply, bytes, ms, isAdmitted) => {
    const { method, path } = request;
    if (!isAdmitted) return;
    if (omitHealthChecks && isHealthCheck(path)) return;
    const userAgent = header(request, "user-agent");
    log.always("HTTP API Called", {
      method: obfuscateUrls ? operationOf(method, path) : `${method} ${path}`,
      ...(userAgent ? { useragent: userAgent } : {}),
      code: reply.status,
      size: bytes,
      duration: Math.round(ms),
    });
  };
}

const isHealthCheck = (path: string) =>
  path === "/v1.0/healthz" || path === "/v1.0/healthz/outbound";

/** The original's names by method and path without version; what matches first counts. */
const operations: [method: RegExp, path: RegExp, name: string][] = [
  [/^(POST|PUT)$/, /^state\/[^/]+$/, "SaveState"],
  [/^(POST|PUT)$/, /^state\/[^/]+\/bulk$/, "GetBulkState"],
  [/^(POST|PUT)$/, /^state\/[^/]+\/transaction$/, "ExecuteStateTransaction"],
  [/^(POST|PUT)$/, /^state\/[^/]+\/query$/, "QueryStateAlpha1"],
  [/^GET$/, /^state\/[^/]+\/[^/]+$/, "GetState"],
  [/^DELETE$/, /^state\/[^/]+\/[^/]+$/, "DeleteState"],
  [/^GET$/, /^secrets\/[^/]+\/bulk$/, "GetBulkSecret"],
  [/^GET$/, /^secrets\/[^/]+\/[^/]+$/, "GetSecret"],
  [/^(POST|PUT)$/, /^bindings\/[^/]+$/, "InvokeBinding"],
  [/^GET$/, /^healthz$/, "Healthz"],
  [/^GET$/, /^healthz\/outbound$/, "HealthzOutbound"],
  [/^GET$/, /^metadata$/, "GetMetadata"],
  [/^PUT$/, /^metadata\/[^/]+$/, "PutMetadata"],
  [/^POST$/, /^shutdown$/, "Shutdown"],
];

function operationOf(method: string, path: string): string {
  const rest = /^\/v1\.0(?:-\w+)?\/(.*)$/.exec(path)?.[1];
  if (rest !== undefined)
    for (const [methods, pattern, name] of operations)
      if (methods.test(method) && pattern.test(rest)) return name;
  const app = /^invoke\/([^/]+)\/method(?:\/|$)/.exec(rest ?? "")?.[1];
  // Any other path is an invocation too, its target in a header.
  return app ? `InvokeService/${app}` : "InvokeService";
}
