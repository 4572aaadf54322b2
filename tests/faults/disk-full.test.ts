/** The disk with the embedded broker's file or with the log is full, and has room again later. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { startDaprd } from "../support/daprd.ts";
import { embedded, order } from "../support/embedded.ts";
import { call } from "../support/http.ts";
import {
  mountSmallDisk,
  smallDiskProblem,
  type SmallDisk,
} from "../support/small-disk.ts";
import { waitFor } from "../wait-for.ts";
import {
  endFlows,
  expectInOrder,
  openFlow,
  partitions,
  type Place,
} from "./flow.ts";

const problem = smallDiskProblem();
const drill = problem ? test.skip : test;
const because = problem ? ` (skipped: ${problem})` : "";
let disk: SmallDisk;

beforeEach(() => {
  if (!problem) disk = mountSmallDisk(16);
});
afterEach(async () => {
  await endFlows();
  if (!problem) disk.remove();
});

const onDisk = (): Place => ({
  name: "embedded",
  component: (topics, _folder, metadata, name) =>
    embedded(name, {
      path: join(disk.folder, "embedded.db"),
      partitions: String(partitions),
      topics,
      ...metadata,
    }),
});

drill(
  `when the disk of the embedded broker is full, orders are refused with an error that names the file, no acknowledged one is lost or torn, and work resumes once there is room${because}`,
  async () => {
    const flow = await openFlow(onDisk());
    const sending = flow.send(1_000_000, { padding: 500 });
    await waitFor("100 deliveries", () => flow.accepted().length >= 100);
    disk.fill();
    await waitFor("every caller to be refused", () => {
      disk.fill(); // space may have been freed meanwhile
      return (
        new Set(sending.refusals.map((one) => one.order % partitions)).size ===
        partitions
      );
    });
    for (const { status, text } of sending.refusals) {
      expect(status).toBe(500);
      expect(text).toContain("embedded.db is full: no space left on the disk");
    }
    for (const sidecar of [flow.producer, flow.consumer])
      expect((await sidecar.call("GET", "/v1.0/healthz")).status).toBe(204);

    const acked = sending.acked.size;
    const had = flow.accepted().length;
    disk.free();
    await waitFor("100 more", () => sending.acked.size >= acked + 100);
    await waitFor("a delivery", () => flow.accepted().length > had);
    await sending.stop();
    await flow.arrived(sending);
    expectInOrder(flow.accepted());
    for (const { child } of [flow.producer, flow.consumer])
      expect(child.exitCode).toBeNull();
    await endSidecars(flow);
    const database = new DatabaseSync(join(disk.folder, "embedded.db"));
    expect(database.prepare("PRAGMA integrity_check").all()).toEqual([
      { integrity_check: "ok" },
    ]);
    database.close();
  },
);

drill(
  `when the disk of the log is full, orders still flow, one message says so, and the log goes on once there is room${because}`,
  async () => {
    const log = join(disk.folder, "daprd.log");
    const sidecar = await startDaprd({
      args: ["--log-file", log, "--enable-api-logging"],
      resources: { "orders.yaml": embedded("orders") },
    });
    const send = async (name: string) => {
      const { status } = await call(
        sidecar.port,
        "POST",
        "/v1.0/bindings/orders",
        { body: order(1), headers: { "user-agent": name } },
      );
      expect(status).toBe(204);
    };
    await send("before");
    await waitFor("its line", () =>
      readFileSync(log, "utf8").includes("before"),
    );
    disk.fill();
    // The file's last block may still have room for some lines.
    await waitFor("the complaint", async () => {
      await send("meanwhile");
      return sidecar.output().includes("daprd: --log-file");
    });
    for (let n = 0; n < 20; n++) await send("meanwhile");
    expect(sidecar.output().match(/daprd: --log-file .*/g)).toEqual([
      expect.stringMatching(/daprd\.log: ENOSPC.*goes on without it/),
    ]);
    disk.free();
    await send("afterwards");
    await waitFor("its line", () =>
      readFileSync(log, "utf8").includes("afterwards"),
    );
    // A line that the full disk cut off does not run into the next one.
    const last = readFileSync(log, "utf8")
      .split("\n")
      .find((line) => line.includes("afterwards"));
    expect(last).toMatch(/^time="(?!.*time=)/);
    expect(await sidecar.stop()).toEqual({ code: 0, signal: null });
  },
);

async function endSidecars(flow: Awaited<ReturnType<typeof openFlow>>) {
  for (const sidecar of [flow.producer, flow.consumer])
    expect(await sidecar.stop()).toEqual({ code: 0, signal: null });
}
