/** The tutorials' manifests: everything that they name must exist. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";

const root = join(__dirname, "..");
const { version } = JSON.parse(
  readFileSync(join(root, "package.json"), "utf8"),
);
const files = [
  "kafka-non-persistence.yaml",
  ...["deploy", "deploy/pub-sub"].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith(".yaml"))
      .map((name) => `${folder}/${name}`),
  ),
];
const objects = files.flatMap((file) =>
  parseAllDocuments(readFileSync(join(root, file), "utf8")).map((document) =>
    document.toJSON(),
  ),
);
const ofKind = (kind: string) =>
  objects.filter((object) => object.kind === kind);
const templates = ofKind("Deployment").map(({ spec }) => spec.template);

test("every image is the kit's own of this version, or an official one", () => {
  const images = templates.flatMap(({ spec }) =>
    spec.containers.map(({ image }: { image: string }) => image),
  );
  expect([...new Set(images)].sort()).toEqual([
    "apache/kafka:4.1.1",
    `localhost/dapr-quickstart-kit/nodeapp:${version}`,
    `localhost/dapr-quickstart-kit/producerapp:${version}`,
    `localhost/dapr-quickstart-kit/pub-sub:${version}`,
    "redis:7",
  ]);
});

test("a component's scopes are apps of the folder, and its Secret exists", () => {
  const appIds = templates.map(
    ({ metadata }) => metadata.annotations?.["dapr.io/app-id"],
  );
  const secrets = ofKind("Secret").map(
    ({ metadata, stringData }) =>
      `${metadata.name}/${Object.keys(stringData).join()}`,
  );
  const components = ofKind("Component");
  expect(components).toHaveLength(3);
  for (const { scopes, spec } of components) {
    for (const scope of scopes) expect(appIds).toContain(scope);
    for (const { secretKeyRef } of spec.metadata)
      if (secretKeyRef)
        expect(secrets).toContain(`${secretKeyRef.name}/${secretKeyRef.key}`);
  }
});

test("every Service leads to pods of the folder", () => {
  const labels = templates.map(({ metadata }) => metadata.labels.app);
  for (const { spec } of ofKind("Service"))
    expect(labels).toContain(spec.selector.app);
});
