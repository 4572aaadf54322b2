/** The image of sidecar and control plane: small, not root, content with a read-only file system. */
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { GenericContainer } from "testcontainers";

/** Of its own: another file builds one at the same time. */
const name = "dapr-kit-test/sidecar-alone";
const docker = (...args: string[]) =>
  execFileSync("docker", args, { encoding: "utf8" }).trim();
const run = (...command: string[]) =>
  spawnSync("docker", ["run", "--rm", "--read-only", name, ...command], {
    encoding: "utf8",
  });

beforeAll(async () => {
  await GenericContainer.fromDockerfile(join(__dirname, "../..")).build(name, {
    deleteOnExit: false,
  });
});

test("its user is a number, as Kubernetes needs to see that it is not root", () => {
  expect(docker("inspect", "--format={{.Config.User}}", name)).toBe(
    "1000:1000",
  );
});

test("its own layers are under 15 MB", () => {
  const size = (image: string) =>
    Number(docker("inspect", "--format={{.Size}}", image));
  expect(size(name) - size("node:24-slim")).toBeLessThan(15e6);
});

test("the first word says what runs, without writing to the image", () => {
  // As compose files for the original's image have it, from the working directory.
  for (const daprd of ["/daprd", "./daprd"])
    expect(run(daprd, "--version").stdout.trim()).toMatch(/^\d+\.\d+\.\d+$/);
  for (const program of ["operator", "injector"]) {
    const { status, stdout } = run(program);
    expect(status).toBe(1);
    expect(stdout).toMatch(/level=fatal msg=".* is not set: /);
  }
});

test("it is started from its folder too, as the original's image has it", () => {
  expect(run("./daprd", "--version").stdout).toBe(
    run("/daprd", "--version").stdout,
  );
});

test.each([[0], [10], [20], [40], [80], [160], [320]])(
  "SIGTERM after %i ms of its start ends it",
  async (ms) => {
    const id = docker("create", name, "/daprd", "--app-id", "x");
    try {
      docker("start", id);
      await delay(ms); // not awaited: what it does by then is what is tried
      spawnSync("docker", ["kill", "--signal", "TERM", id]);
      // Without a handler it would go on for ever. 143: SIGTERM came before it had one.
      expect(["0", "143"]).toContain(docker("wait", id));
    } finally {
      docker("rm", "--force", id);
    }
  },
);
