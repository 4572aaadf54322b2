/** `dapr init --redis` with real containers, on a network of their own: the names and ports of this machine may be taken. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cli } from "../end-to-end/cli-process.ts";
import { tempFolder } from "../support/temp-folder.ts";

const network = `dapr-init-${process.pid}`;
const name = `dapr_redis_${network}`;
const docker = (...args: string[]) =>
  execFileSync("docker", args, { encoding: "utf8" }).trim();
const isRunning = () =>
  docker("inspect", "--format={{.State.Running}}", name) === "true";

beforeAll(() => void docker("network", "create", network));
afterAll(() => {
  docker("rm", "--force", name);
  docker("network", "rm", network);
});

test("init --redis starts Redis and writes components for it; again it starts what is there; uninstall --all removes it", async () => {
  const root = tempFolder("dapr-init-redis");
  const dapr = async (...args: string[]) => {
    const run = cli(args, { env: { DAPR_RUNTIME_PATH: root } });
    expect({ code: await run.exit, err: run.err }).toEqual({
      code: 0,
      err: "",
    });
    return run.out;
  };
  const statestore = () =>
    readFileSync(join(root, ".dapr", "components", "statestore.yaml"), "utf8");
  await dapr("init");
  expect(statestore()).toContain("state.sqlite");

  const init = ["init", "--redis", "--network", network];
  const out = await dapr(...init);
  expect(out).toContain(
    "ℹ️  Container images will be pulled from Docker Hub\n",
  );
  expect(out).toContain(`ℹ️  ${name} container is running.\n`);
  expect(out).toContain("ℹ️  Use `docker ps` to check running containers.\n");
  expect(isRunning()).toBe(true);
  // What init itself wrote, and nobody has changed, it may replace.
  expect(statestore()).toContain('"dapr_redis:6379"');

  docker("stop", "--timeout", "0", name);
  const before = docker("inspect", "--format={{.Id}}", name);
  await dapr(...init);
  expect(isRunning()).toBe(true);
  expect(docker("inspect", "--format={{.Id}}", name)).toBe(before);

  const removed = await dapr("uninstall", "--all", "--network", network);
  expect(removed).toContain(`ℹ️  Removing container: ${name}\n`);
  expect(removed).toContain(
    `⚠  WARNING: dapr_zipkin_${network} container does not exist\n`,
  );
  expect(docker("ps", "--all", "--quiet", "--filter", `name=${name}`)).toBe("");
});
