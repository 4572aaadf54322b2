/**
 * Routes of the original's blocks that this version does not have yet. They answer as
 * the original does where nothing of their kind is configured, and say why.
 */
import { ApiError, errorInfo } from "../../contracts/errors.ts";
import type { ApiRequest, Handler, Route } from "./request.ts";

const fails =
  (error: (params: ApiRequest["params"]) => ApiError): Handler =>
  ({ params }) => {
    throw error(params);
  };

export function routesToCome(appId: string): Route[] {
  const configuration = fails(() => new ApiError("configurationNotConfigured"));
  const lock = fails(() => new ApiError("lockNotConfigured"));
  const crypto = fails(() => new ApiError("cryptoNotConfigured"));
  const subtleCrypto = fails(
    () => new ApiError("notInThisVersion", ["this API is"]),
  );
  const conversation = fails(
    ({ name }) => new ApiError("conversationNotFound", [name!]),
  );
  const actors = fails(() => new ApiError("actorNoPlacement"));
  const jobs = fails(
    () =>
      new ApiError("jobScheduleEmpty", [], {
        details: [errorInfo("DAPR_SCHEDULER_SCHEDULE_EMPTY", { appID: appId })],
      }),
  );
  const each = (
    methods: string,
    versions: string,
    path: string,
    handler: Handler,
  ): Route[] =>
    versions
      .split(" ")
      .flatMap((version) =>
        methods
          .split(" ")
          .map((method): Route => [method, `/${version}/${path}`, handler]),
      );
  const stable = "v1.0 v1.0-alpha1";
  const workflow = "v1.0 v1.0-beta1 v1.0-alpha1";
  const actor = "actors/:type/:id";
  return [
    ...each("GET", stable, "configuration/:store", configuration),
    ...each("GET", stable, "configuration/:store/subscribe", configuration),
    ...each(
      "GET",
      stable,
      "configuration/:store/:id/unsubscribe",
      configuration,
    ),
    ...each("POST", "v1.0-alpha1", "lock/:store", lock),
    ...each("POST", "v1.0-alpha1", "unlock/:store", lock),
    ...each("PUT", "v1.0-alpha1", "crypto/:name/encrypt", crypto),
    ...each("PUT", "v1.0-alpha1", "crypto/:name/decrypt", crypto),
    ...each("POST", "v1.0-alpha1", "subtlecrypto/:name/:verb", subtleCrypto),
    ...each(
      "POST",
      "v1.0-alpha1 v1.0-alpha2",
      "conversation/:name/converse",
      conversation,
    ),
    ...each("GET POST PUT DELETE", "v1.0", `${actor}/method/:method`, actors),
    ...each("POST PUT", "v1.0", `${actor}/state`, actors),
    ...each("GET", "v1.0", `${actor}/state/:key`, actors),
    ...each("GET POST PUT DELETE", "v1.0", `${actor}/reminders/:name`, actors),
    ...each("POST PUT DELETE", "v1.0", `${actor}/timers/:name`, actors),
    ...each("GET", workflow, "workflows/:component/:id", actors),
    ...each("POST", workflow, "workflows/:component/:id/:verb", actors),
    ...each(
      "POST",
      workflow,
      "workflows/:component/:id/raiseEvent/:event",
      actors,
    ),
    ...each("GET POST DELETE", stable, "jobs/:name", jobs),
  ];
}
