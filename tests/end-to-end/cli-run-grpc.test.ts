/** `dapr run` and `dapr run -f` with an app that speaks gRPC, and `dapr invoke` of it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "../wait-for.ts";
import { cli, freePort, workspace, type CliRun } from "./cli-process.ts";

const { dir, remove } = workspace();
const library = join(__dirname, "../node_modules/@grpc/grpc-js");

/** OnInvoke answers with the bytes of its request's message, whatever they say: both messages begin with other fields. */
writeFileSync(
  join(dir, "grpc-app.cjs"),
  `
const { Server, ServerCredentials, status } = require(${JSON.stringify(library)});
const asIs = (bytes) => bytes;
const server = new Server();
server.addService({ OnInvoke: {
  path: "/dapr.proto.runtime.v1.AppCallback/OnInvoke",
  requestStream: false, responseStream: false,
  requestSerialize: asIs, requestDeserialize: asIs, responseSerialize: asIs, responseDeserialize: asIs,
} }, {
  OnInvoke({ request }, reply) {
    if (request.includes("fail")) return reply({ code: status.NOT_FOUND, details: "none such" });
    const text = Buffer.from("hello over " + process.env.APP_PROTOCOL);
    // InvokeResponse{data: Any{value: text}}
    reply(null, Buffer.concat([Buffer.from([10, text.length + 2, 18, text.length]), text]));
  },
});
server.bindAsync("127.0.0.1:" + process.env.APP_PORT, ServerCredentials.createInsecure(), () => console.log("grpc app listens"));
process.on("SIGTERM", () => process.exit(0));
`,
);

let run: CliRun | undefined;
afterEach(async () => {
  run?.signal("SIGTERM");
  await run?.exit;
});
afterAll(remove);

async function expectToAnswer(id: string) {
  const invoke = (method: string) =>
    cli(["invoke", "--app-id", id, "--method", method]);
  await waitFor("the app's answer", async () => {
    const good = invoke("greet");
    return (await good.exit) === 0 && good.out.includes("hello over grpc\n");
  });
  const bad = invoke("fail");
  expect(await bad.exit).toBe(1);
  expect(bad.err + bad.out).toContain("404 Not Found");
}

test("dapr run --app-protocol grpc", async () => {
  const id = `cli-grpc-${process.pid}`;
  const app = [process.execPath, "grpc-app.cjs"];
  const settings = {
    "--app-id": id,
    "--app-port": String(await freePort()),
    "--app-protocol": "grpc",
    "--resources-path": "resources",
  };
  const flags = Object.entries(settings).flat();
  run = cli(["run", ...flags, "--", ...app], { cwd: dir });
  await run.prints("You're up and running!");
  await run.prints("grpc app listens");
  await expectToAnswer(id);
});

test("a run file with appProtocol: grpc", async () => {
  const id = `cli-grpc-file-${process.pid}`;
  writeFileSync(
    join(dir, "dapr.yaml"),
    `version: 1
common:
  resourcesPaths: [./resources]
apps:
  - appID: ${id}
    appDirPath: .
    appPort: ${await freePort()}
    appProtocol: grpc
    command: ["${process.execPath}", grpc-app.cjs]
`,
  );
  run = cli(["run", "-f", "."], { cwd: dir });
  await run.prints("grpc app listens");
  await expectToAnswer(id);
});
