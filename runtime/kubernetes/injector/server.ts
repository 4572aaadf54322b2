/** The webhook's HTTPS server: admission reviews in, answers out. */
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import { wholeBody } from "../../shared/whole-body.ts";
import type { Logger } from "../../shared/log.ts";
import { injector } from "../names.ts";
import type { InjectorConfig, InjectorState } from "./config.ts";
import {
  mutate,
  type AdmissionAnswer,
  type AdmissionReview,
} from "./mutate.ts";
import { readReview, ReviewError } from "./read-review.ts";

export interface WebhookOptions {
  config: InjectorConfig;
  /** Called for each review. */
  state: () => InjectorState;
  certificate: { certificate: string; key: string };
  log: Logger;
  port?: number;
}

/** An object has at most 1.5 MB in etcd; a review has the pod and some more. */
const maxBytes = 4 * 1024 * 1024;

export async function serveWebhook(options: WebhookOptions): Promise<Server> {
  const { certificate, key } = options.certificate;
  const server = createServer({ cert: certificate, key }, (request, response) =>
    answer(request, response, options),
  );
  server.listen(options.port ?? injector.port);
  await once(server, "listening");
  return server;
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: WebhookOptions,
): void {
  const refuse = (status: number, reason: string) => {
    options.log.error(`refused a request to the webhook: ${reason}`);
    response
      .writeHead(status, { "content-type": "text/plain" })
      .end(`${reason}\n`);
  };
  const path = request.url?.split("?")[0];
  if (path !== injector.path) return refuse(404, `no such path: ${path}`);
  if (request.method !== "POST")
    return refuse(405, `${request.method} instead of POST`);
  // RFC 9110 allows parameters, e.g. a charset.
  const type = request.headers["content-type"]?.split(";")[0]?.trim();
  const decideOn = (bytes: Buffer) => {
    if (bytes.length === 0) return refuse(400, "empty body");
    if (type !== "application/json")
      return refuse(415, "invalid Content-Type, expected `application/json`");
    let body: AdmissionAnswer;
    try {
      body = decide(readReview(bytes.toString("utf8")), options);
    } catch (error) {
      const { message } = error as Error;
      return error instanceof ReviewError
        ? refuse(400, `not an AdmissionReview: ${message}`)
        : refuse(500, `the injector failed: ${message}`);
    }
    response
      .writeHead(200, { "content-type": "application/json" })
      .end(JSON.stringify(body));
  };
  wholeBody(request, maxBytes, tooLarge, { rest: "dropped" }).then(
    decideOn,
    (error: Error) => {
      if (!(error instanceof TooLarge))
        return options.log.warn(
          `a request to the webhook broke off: ${error.message}`,
        );
      refuse(413, error.message);
    },
  );
}

class TooLarge extends Error {
  override name = "TooLarge";
}

const tooLarge = () => new TooLarge(`more than ${maxBytes} bytes`);

function decide(review: AdmissionReview, options: WebhookOptions) {
  const { config, state, log } = options;
  const { answer, outcome, pod, appId, warnings } = mutate(
    review,
    config,
    state(),
  );
  for (const warning of warnings) log.warn(`pod ${pod}: ${warning}`);
  if (outcome === "added")
    log.info(`pod ${pod}: added the sidecar of app ${appId}`);
  if (outcome === "refused")
    log.error(`pod ${pod}: refused: ${answer.response.status?.message}`);
  return answer;
}
