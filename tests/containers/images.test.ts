/** The images, put together as in a cluster: Kafka, and two pods of app and sidecar on one network. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  GenericContainer,
  Network,
  Wait,
  type StartedNetwork,
  type StartedTestContainer,
} from "testcontainers";
import { waitFor } from "../wait-for.ts";

const root = join(__dirname, "../..");
const orders = Array.from({ length: 20 }, (_, index) => index + 1);

const started: StartedTestContainer[] = [];
let network: StartedNetwork | undefined;

beforeAll(async () => {
  network = await new Network().start();
});

afterAll(async () => {
  for (const container of started.reverse()) await container.stop();
  await network?.stop();
});

test("orders 1 to 20 go from image to image, exactly in order", async () => {
  const [sidecar, consumer, producer] = await Promise.all([
    build("sidecar", "."),
    build("nodeapp"),
    build("producerapp"),
  ]);
  await startKafka();

  const printed: string[] = [];
  await pod(sidecar, "nodeapp", ["--app-port", "3000"], (shared) =>
    shared(consumer)
      .withLogConsumer((logs) =>
        logs.on("data", (chunk) => printed.push(String(chunk))),
      )
      .withWaitStrategy(Wait.forLogMessage("Node App listening on port 3000!")),
  );
  await pod(sidecar, "producerapp", [], (shared) =>
    shared(producer).withWaitStrategy(
      Wait.forLogMessage("Response for order 1: 204"),
    ),
  );

  const arrived = () =>
    [...printed.join("").matchAll(/\{ orderId: (\d+) \}/g)].map(([, id]) =>
      Number(id),
    );
  await waitFor("order 20", () => arrived().includes(20), 60_000);
  expect(arrived().slice(0, 20)).toEqual(orders);
});

/** The images always get the same names, so that they do not pile up. */
function build(name: string, folder = name): Promise<GenericContainer> {
  return GenericContainer.fromDockerfile(join(root, folder)).build(
    `dapr-kit-test/${name}`,
    { deleteOnExit: false },
  );
}

/** The app joins the sidecar's network, as in a pod, so both reach each other on localhost. */
async function pod(
  image: GenericContainer,
  appId: string,
  flags: string[],
  app: (
    shared: (image: GenericContainer) => GenericContainer,
  ) => GenericContainer,
): Promise<void> {
  const component = readFileSync(
    join(root, "components/kafka_bindings.yaml"),
    "utf8",
  ).replace("localhost:9092", "kafka:9092");
  const sidecar = await image
    .withNetwork(network as StartedNetwork)
    .withCopyContentToContainer([
      { content: component, target: "/components/kafka_bindings.yaml" },
    ])
    .withCommand([
      "/daprd",
      "--app-id",
      appId,
      ...flags,
      "--resources-path",
      "/components",
    ])
    .withWaitStrategy(Wait.forLogMessage("HTTP server is running on port 3500"))
    .start();
  started.push(sidecar);
  const shared = (one: GenericContainer) =>
    one.withNetworkMode(`container:${sidecar.getId()}`);
  started.push(await app(shared).start());
}

async function startKafka(): Promise<void> {
  started.push(
    await new GenericContainer("apache/kafka:4.1.1")
      .withNetwork(network as StartedNetwork)
      .withNetworkAliases("kafka")
      .withEnvironment({
        KAFKA_NODE_ID: "1",
        KAFKA_PROCESS_ROLES: "broker,controller",
        KAFKA_LISTENERS: "PLAINTEXT://:9092,CONTROLLER://localhost:9093",
        KAFKA_ADVERTISED_LISTENERS: "PLAINTEXT://kafka:9092",
        KAFKA_CONTROLLER_LISTENER_NAMES: "CONTROLLER",
        KAFKA_LISTENER_SECURITY_PROTOCOL_MAP:
          "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        KAFKA_CONTROLLER_QUORUM_VOTERS: "1@localhost:9093",
        KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: "1",
        KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: "0",
      })
      .withWaitStrategy(Wait.forLogMessage("Kafka Server started"))
      .start(),
  );
}
