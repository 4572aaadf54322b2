/** The image of sidecar and control plane is small, does not run as root, and needs no writable file system. */
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { GenericContainer } from "testcontainers";

/** A name of its own, since another test file builds the image at the same time. */
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

test("its user is a number, by which Kubernetes sees that it is not root", () => {
  expect(docker("inspect", "--format={{.Config.User}}", name)).toBe(
    "1000:1000",
  );
});

test("its own layers are under 15 MB", () => {
  const size = (image: string) =>
    Number(docker("inspect", "--format={{.Size}}", image));
  expect(size(name) - size("node:24-slim")).toBeLessThan(15e6);
});

test("the command's first word says which program runs, and none writes to the image", () => {
  // Compose files for the original's image name the program relative to the working directory.
  for (const daprd of ["/daprd", "./daprd"])
    expect(run(daprd, "--version").stdout.trim()).toMatch(/^\d+\.\d+\.\d+$/);
  for (const program of ["operator", "injector"]) {
    const { status, stdout } = run(program);
    expect(status).toBe(1);
    expect(stdout).toMatch(/level=fatal msg=".* is not set: /);
  }
});

test("it can be started as ./daprd, as in the original's image", () => {
  expect(run("./daprd", "--version").stdout).toBe(
    run("/daprd", "--version").stdout,
  );
});

test.each([[0], [10], [20], [40], [80], [160], [320]])(
  "SIGTERM %i ms after the start ends it",
  async (ms) => {
    const id = docker("create", name, "/daprd", "--app-id", "x");
    try {
      docker("start", id);
      await delay(ms); // no condition is awaited: SIGTERM is to meet the start at different points
      spawnSync("docker", ["kill", "--signal", "TERM", id]);
      // Without a handler it would run for ever. 143: SIGTERM came before there was a handler.
      expect(["0", "143"]).toContain(docker("wait", id));
    } finally {
      docker("rm", "--force", id);
    }
  },
);
