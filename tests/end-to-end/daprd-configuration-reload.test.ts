/** A `--config` file that changes while the sidecar runs restarts it in its process; a wrong change does not. */
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { component, configuration } from "../support/component.ts";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../wait-for.ts";

afterEach(stopAll);

const denying = (type: string) =>
  configuration(`  components:\n    deny:\n      - ${type}\n`);

async function start(text: string) {
  const file = join(tempFolder("configuration-reload"), "settings.yaml");
  writeFileSync(file, text);
  const sidecar = await startDaprd({
    args: ["--config", file],
    resources: {
      "a.yaml": component("memory", "state.in-memory"),
      "b.yaml": component("vault", "secretstores.local.env"),
    },
  });
  return { file, sidecar };
}

const names = async (sidecar: Daprd) => {
  const reply = await sidecar.call("GET", "/v1.0/metadata");
  const { components = [] } = reply.json() as {
    components?: { name: string }[];
  };
  return components.map(({ name }) => name);
};
/** Between the end and the new beginning nobody answers. */
const waitForNames = (sidecar: Daprd, ...wanted: string[]) =>
  waitFor(`the components ${wanted.join()}`, async () => {
    const found = await names(sidecar).catch(() => undefined);
    return found?.join() === wanted.join();
  });
const restarts = (sidecar: Daprd) =>
  sidecar.messages().filter((line) => line.endsWith("; restarting"));

test("a changed Configuration counts after a restart in the same process", async () => {
  const { file, sidecar } = await start(denying("state.in-memory"));
  expect(await names(sidecar)).toEqual(["vault"]);
  writeFileSync(file, denying("secretstores.local.env"));
  await sidecar.logged(`the Configuration in ${file} has changed; restarting`);
  await waitForNames(sidecar, "memory");
  // An editor may put a new file into its place.
  writeFileSync(`${file}.new`, configuration("  features: []\n"));
  renameSync(`${file}.new`, file);
  await waitForNames(sidecar, "vault", "memory");
  expect(restarts(sidecar)).toHaveLength(2);
  expect(sidecar.child.exitCode).toBeNull();
});

test("a wrong one is told with its place, and the sidecar goes on; what says the same restarts nothing", async () => {
  const { file, sidecar } = await start(denying("state.in-memory"));
  writeFileSync(file, configuration("  components: [\n"));
  await sidecar.logged("a changed Configuration is not taken: ");
  const told = await sidecar.logged(`${file}:7:1`);
  expect(told).toContain("the sidecar goes on as it said before");
  writeFileSync(file, configuration("  metrics:\n    enabled: perhaps\n"));
  await sidecar.logged(
    `spec.metrics.enabled must be true or false (${file}:7:14); the sidecar goes on`,
  );
  rmSync(file);
  await sidecar.logged(`${file} does not exist`);
  writeFileSync(file, `# the same\n${denying("state.in-memory")}`);
  writeFileSync(
    join(sidecar.resources, "c.yaml"),
    component("more", "secretstores.local.env"),
  );
  await sidecar.logged("Component loaded: more");
  expect(await names(sidecar)).toEqual(["vault", "more"]);
  expect(restarts(sidecar)).toEqual([]);
});

test("without hot reload it is not followed", async () => {
  const off = "  features:\n    - name: HotReload\n      enabled: false\n";
  const { file, sidecar } = await start(configuration(off));
  writeFileSync(file, denying("state.in-memory"));
  sidecar.child.kill("SIGHUP");
  await waitForNames(sidecar, "vault");
  expect(restarts(sidecar)).toEqual(["Received signal 'hangup'; restarting"]);
});
