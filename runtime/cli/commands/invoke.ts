/** `dapr invoke`: calls a method of a running app through that app's own sidecar. */
import { CommandError, command } from "../command.ts";
import { addressOf, findInstances } from "../instances/instances.ts";
import { payloadFlags, readPayload, socketFlag } from "../payload.ts";
import { printable } from "../printable.ts";
import { invokeMethod } from "../instances/sidecar-http.ts";

const examples = `
# POST data to a method
dapr invoke --app-id myapp --method neworder --data '{"data": {"orderId": 42}}'

# … or the contents of a file
dapr invoke --app-id myapp --method neworder --data-file sample.json

# GET
dapr invoke --app-id myapp --method order --verb GET
`;

export const invoke = command(
  "invoke",
  "Invoke a method on a given Dapr application",
  {
    "app-id": {
      type: "string",
      short: "a",
      takes: "app",
      about: "The ID of the app to invoke",
      required: true,
    },
    method: {
      type: "string",
      short: "m",
      about: "The method to invoke",
      required: true,
    },
    ...payloadFlags,
    verb: {
      type: "string",
      short: "v",
      about: "The HTTP verb to use",
      default: "POST",
      choices: ["GET", "POST", "PUT", "DELETE", "PATCH"],
    },
    ...socketFlag,
  },
  { examples },
  async ({ flags, io }) => {
    const appId = flags["app-id"];
    const body = await readPayload("invoke", flags);
    let answer;
    try {
      answer = await call(appId, flags["unix-domain-socket"], {
        method: flags.method,
        verb: flags.verb,
        body,
      });
    } catch (error) {
      throw new CommandError(
        `error invoking app ${appId}: ${(error as Error).message}`,
      );
    }
    if (answer !== "") io.out(printable(answer));
    io.status("success", "App invoked successfully");
    return 0;
  },
);

/** `folder`: where the socket is; empty to use what the sidecar's command line says. */
async function call(
  appId: string,
  folder: string,
  request: { method: string; verb: string; body: Buffer },
): Promise<string> {
  // Of several the newest: it was just started.
  const target = (await findInstances()).findLast((one) => one.appId === appId);
  if (!target)
    throw new Error(
      `app ID ${appId} not found\n    See what runs with \`dapr list\`, and start the app with \`dapr run --app-id ${appId}\`.`,
    );
  const what = `${request.verb.toUpperCase()} /${request.method.replace(/^\/+/, "")}`;
  const { status, reason, body } = await invokeMethod(
    addressOf(target, folder),
    appId,
    request,
  ).catch((error: Error) => {
    throw new Error(`${error.message} (${what})`);
  });
  if (status < 200 || status >= 400)
    // A JSON answer says why; a page of HTML would only hide the status.
    throw new Error(
      `${status} ${reason} (${what})${body.startsWith("{") ? `\n    ${body}` : ""}`,
    );
  return body;
}
