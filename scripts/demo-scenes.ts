/** The demo's scenes, by tutorial and by the broker or store behind it. */
import { fail } from "./options.ts";
import {
  deliveredMessages,
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
  /** What flows. */
  what: "orders" | "messages";
  /** What keeps them: its name in the banner, and the text beside it when nothing has to be started. */
  keeper: { word: "broker" | "store"; about: string };
  service?: ServiceKind;
  /** Whether the run gets a copy of the component files, and with it an embedded queue of its own. */
  copiesComponents: boolean;
  /** The app that serves a page for the user. */
  page?: string;
  orderReader(): OrderReader;
}

/** `options` are those of the demo without it. */
const kafka = (options = ""): ServiceKind => ({
  service: "kafka",
  name: "Kafka",
  fullName: "Apache Kafka",
  port: 9092,
  probe: probeKafka,
  without: `npm run demo:local${options}`,
});

const redis = (options: string): ServiceKind => ({
  service: "redis",
  name: "Redis",
  fullName: "Redis",
  port: 6379,
  probe: probeRedis,
  without: `npm run demo:local${options}`,
});

/** A broker that is no server. */
const embedded = {
  keeper: {
    word: "broker",
    about: "embedded: a SQLite file under .dapr/, removed at the end",
  },
  copiesComponents: true,
} as const;

/** A broker that is a server; the banner tells which. */
const server = (service: ServiceKind) =>
  ({
    keeper: { word: "broker", about: "" },
    service,
    copiesComponents: false,
  }) as const;

const bindings = {
  flow: "producerapp → sidecar → sample-topic → sidecar → nodeapp",
  what: "orders" as const,
  orderReader: printedOrders,
};

const hello = {
  flow: "producerapp → sidecar → sidecar → nodeapp → sidecar → statestore",
  what: "orders" as const,
  orderReader: persistedOrders,
  copiesComponents: false,
};

const bindingsScenes: Record<string, Scene> = {
  embedded: {
    ...bindings,
    ...embedded,
    runFile: "tutorials/bindings/dapr.yaml",
  },
  kafka: {
    ...bindings,
    ...server(kafka()),
    runFile: "tutorials/bindings/dapr-kafka.yaml",
  },
};

const pubSub = {
  flow: "publisher → sidecar → topics A, B, C → sidecars → node-subscriber, second-subscriber",
  what: "messages" as const,
  page: "publisher",
  orderReader: deliveredMessages,
};

const pubSubScenes: Record<string, Scene> = {
  embedded: {
    ...pubSub,
    ...embedded,
    runFile: "tutorials/pub-sub/dapr.yaml",
  },
  kafka: {
    ...pubSub,
    ...server(kafka(" -- --tutorial pub-sub")),
    runFile: "tutorials/pub-sub/dapr-kafka.yaml",
  },
  redis: {
    ...pubSub,
    ...server(redis(" -- --tutorial pub-sub")),
    runFile: "tutorials/pub-sub/dapr-redis.yaml",
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
    service: redis(` -- --tutorial ${tutorial}`),
  },
});

/** What a tutorial's demo can choose: by which option, and its scenes by the option's values. */
const choices: Record<
  string,
  { option: "broker" | "store"; scenes: Record<string, Scene> }
> = {
  bindings: { option: "broker", scenes: bindingsScenes },
  "pub-sub": { option: "broker", scenes: pubSubScenes },
  "hello-world": { option: "store", scenes: helloScenes("hello-world") },
  "hello-kubernetes": {
    option: "store",
    scenes: helloScenes("hello-kubernetes"),
  },
};

/** The scene that the options ask for. An impossible choice ends the script with a message. */
export function chooseScene(options: {
  tutorial?: string;
  broker?: string;
  store?: string;
}): Scene {
  const { tutorial = "bindings" } = options;
  const choice = Object.hasOwn(choices, tutorial)
    ? choices[tutorial]
    : undefined;
  if (!choice)
    fail(
      `--tutorial ${tutorial}: must be one of ${Object.keys(choices).join(", ")}.`,
    );
  const { option, scenes } = choice;
  const other = option === "broker" ? "store" : "broker";
  if (options[other] !== undefined)
    fail(
      `--${other} is not for the tutorial ${tutorial}, which takes --${option}; \`npm run demo:local -- --help\` lists the options.`,
    );
  const chosen = options[option] ?? "embedded";
  const scene = Object.hasOwn(scenes, chosen) ? scenes[chosen] : undefined;
  const values = Object.keys(scenes).join(" or ");
  return scene ?? fail(`--${option} ${chosen}: must be ${values}.`);
}
