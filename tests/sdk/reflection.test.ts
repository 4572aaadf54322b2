/** grpcurl knows no .proto file of Dapr: it asks the sidecar for its services and messages by reflection. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { component, fileStore } from "../support/component.ts";
import {
  otherSidecar,
  startDaprd,
  stopAll,
  type Daprd,
} from "../support/daprd.ts";
import { tempFolder } from "../support/temp-folder.ts";

const program = join(__dirname, ".cache", "go", "grpcurl");
// scripts/install-sdks.ts says why it is not there.
const ifInstalled = existsSync(program) ? describe : describe.skip;

let sidecar: Daprd;
beforeAll(async () => {
  const folder = tempFolder("reflection");
  writeFileSync(join(folder, "secrets.json"), '{"first":"one"}');
  sidecar = await startDaprd({
    args: ["--enable-metrics=false"],
    resources: {
      "vault.yaml": fileStore("vault", join(folder, "secrets.json")),
      "statestore.yaml": component("statestore", "state.in-memory"),
    },
  });
});
afterAll(stopAll);

/** Its arguments after `-plaintext`; what it printed and how it ended. */
async function grpcurl(...args: string[]) {
  // Dapr 1.14 asks each stream for it, those of reflection too.
  const header = otherSidecar ? ["-H", "dapr-app-id: testapp"] : [];
  const child = spawn(program, ["-plaintext", ...header, ...args]);
  const [stdout, stderr] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { code: child.exitCode, stdout, stderr };
}
const address = () => `127.0.0.1:${sidecar.grpcPort}`;
const invoke = (method: string, message: object, ...args: string[]) =>
  grpcurl(
    ...args,
    "-d",
    JSON.stringify(message),
    address(),
    `dapr.proto.runtime.v1.Dapr/${method}`,
  );

ifInstalled("grpcurl", () => {
  test("lists the services", async () => {
    const { stdout } = await grpcurl(address(), "list");
    expect(stdout.split("\n")).toEqual(
      expect.arrayContaining([
        "dapr.proto.runtime.v1.Dapr",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
      ]),
    );
  });

  test("describes a service, a method and a message", async () => {
    const service = await grpcurl(
      address(),
      "describe",
      "dapr.proto.runtime.v1.Dapr",
    );
    expect(service.stdout).toContain(
      "rpc GetState ( .dapr.proto.runtime.v1.GetStateRequest ) returns ( .dapr.proto.runtime.v1.GetStateResponse );",
    );
    const message = await grpcurl(
      address(),
      "describe",
      "dapr.proto.runtime.v1.GetStateRequest",
    );
    expect(message.stdout).toContain("string store_name = 1");
    // In a file of its own, which the other imports.
    expect(message.stdout).toContain(
      ".dapr.proto.common.v1.StateOptions.StateConsistency consistency = 3;",
    );
  });

  test("calls methods", async () => {
    const value = Buffer.from('{"n":1}').toString("base64");
    const states = [{ key: "one", value }];
    const saved = await invoke("SaveState", {
      storeName: "statestore",
      states,
    });
    expect(saved).toMatchObject({ code: 0, stdout: "{}\n" });
    const got = await invoke("GetState", {
      storeName: "statestore",
      key: "one",
    });
    expect(JSON.parse(got.stdout)).toMatchObject({ data: value });
    const secret = await invoke("GetSecret", {
      storeName: "vault",
      key: "first",
    });
    expect(JSON.parse(secret.stdout)).toEqual({ data: { first: "one" } });
  });

  test("shows the status and the details of an error", async () => {
    const { code, stderr } = await invoke("GetState", {
      storeName: "nothing",
      key: "one",
    });
    expect(code).not.toBe(0);
    expect(stderr).toContain("Code: InvalidArgument");
    expect(stderr).toContain("nothing");
    expect(stderr).toContain('"reason": "DAPR_STATE_NOT_FOUND"');
  });
});
