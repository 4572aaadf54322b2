/** `dapr invoke`: calls a method of a running app through that app's own sidecar. */
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { CommandError, command } from "../command.ts";
import { findInstances } from "../instances/instances.ts";
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
    data: { type: "string", short: "d", about: "The JSON data to send" },
    "data-file": {
      type: "string",
      short: "f",
      takes: "file",
      about: "A file with the JSON data to send",
    },
    verb: {
      type: "string",
      short: "v",
      about: "The HTTP verb to use",
      default: "POST",
      choices: ["GET", "POST", "PUT", "DELETE", "PATCH"],
    },
    "unix-domain-socket": {
      type: "string",
      short: "u",
      takes: "folder",
      about: "The folder of the sidecar's socket, if it listens on one",
    },
  },
  { examples },
  async ({ flags, io }) => {
    const appId = flags["app-id"];
    const body = await payload(flags.data, flags["data-file"]);
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

async function payload(data: string, file: string): Promise<Buffer> {
  if (data && file)
    throw new CommandError(
      "Only one of --data and --data-file allowed in the same invoke command",
    );
  if (!file) return Buffer.from(data);
  try {
    return await readFile(resolve(file));
  } catch (error) {
    throw new CommandError(
      `Error reading payload from '${file}'. Error: ${(error as Error).message}`,
    );
  }
}

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
  const address = folder
    ? { ...target, socketPath: join(folder, `dapr-${appId}-http.socket`) }
    : target;
  const what = `${request.verb.toUpperCase()} /${request.method.replace(/^\/+/, "")}`;
  const { status, reason, body } = await invokeMethod(
    address,
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
