/** The demo's scenes, by tutorial and by the broker or store behind it. */
import { fail } from "./options.ts";
import {
  persistedOrders,
  printedOrders,
  type OrderReader,
} from "./demo-orders.ts";
import type { ServiceKind } from "./demo-service.ts";
import { probeKafka, probeRedis } from "./service-probe.ts";

export interface Scene {
  /** The banner's first line. */
  flow: string;
  /** The path of the run file, from the project's folder. */
  runFile: string;
  /** What keeps the orders: its name in the banner, and the text beside it when nothing has to be started. */
  keeper: { word: "broker" | "store"; about: string };
  service?: ServiceKind;
  /** Whether the run gets a copy of the component files, and with it an embedded queue of its own. */
  copiesComponents: boolean;
  orderReader(): OrderReader;
}

const kafka: ServiceKind = {
  service: "kafka",
  name: "Kafka",
  fullName: "Apache Kafka",
  port: 9092,
  probe: probeKafka,
  without: "npm run demo:local",
};

const bindings = {
  flow: "producerapp → sidecar → sample-topic → sidecar → nodeapp",
  orderReader: printedOrders,
};

const hello = {
  flow: "producerapp → sidecar → sidecar → nodeapp → sidecar → statestore",
  orderReader: persistedOrders,
  copiesComponents: false,
};

const bindingsScenes: Record<string, Scene> = {
  embedded: {
    ...bindings,
    runFile: "tutorials/bindings/dapr.yaml",
    keeper: {
      word: "broker",
      about: "embedded: a SQLite file under .dapr/, removed at the end",
    },
    copiesComponents: true,
  },
  kafka: {
    ...bindings,
    runFile: "tutorials/bindings/dapr-kafka.yaml",
    keeper: { word: "broker", about: "" },
    service: kafka,
    copiesComponents: false,
  },
};

const helloScenes = (tutorial: string): Record<string, Scene> => ({
  embedded: {
    ...hello,
    runFile: "tutorials/hello-world/dapr.yaml",
    keeper: {
      word: "store",
      about: "embedded: the SQLite file nodeapp/.dapr/state.db (kept)",
    },
  },
  redis: {
    ...hello,
    runFile: "tutorials/hello-kubernetes/dapr-redis.yaml",
    keeper: { word: "store", about: "" },
    service: {
      service: "redis",
      name: "Redis",
      fullName: "Redis",
      port: 6379,
      probe: probeRedis,
      without: `npm run demo:local -- --tutorial ${tutorial}`,
    },
  },
});

const tutorials = ["bindings", "hello-world", "hello-kubernetes"];

/** The scene that the options ask for. An impossible choice ends the script with a message. */
export function chooseScene(options: {
  tutorial?: string;
  broker?: string;
  store?: string;
}): Scene {
  const { tutorial = "bindings" } = options;
  if (!tutorials.includes(tutorial))
    fail(`--tutorial ${tutorial}: must be one of ${tutorials.join(", ")}.`);
  const [option, other, scenes] =
    tutorial === "bindings"
      ? (["broker", "store", bindingsScenes] as const)
      : (["store", "broker", helloScenes(tutorial)] as const);
  if (options[other] !== undefined)
    fail(
      `--${other} is not for the tutorial ${tutorial}, which takes --${option}; \`npm run demo:local -- --help\` lists the options.`,
    );
  const chosen = options[option] ?? "embedded";
  const scene = Object.hasOwn(scenes, chosen) ? scenes[chosen] : undefined;
  return (
    scene ??
    fail(`--${option} ${chosen}: must be ${Object.keys(scenes).join(" or ")}.`)
  );
}
