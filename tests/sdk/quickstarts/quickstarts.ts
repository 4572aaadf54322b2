/**
 * What a reader of Dapr's quickstarts types, and what they tell him to expect: the commands and lines of
 * https://github.com/dapr/quickstarts for Dapr 1.18, as they are there. Of ways that a README no longer tells of, docs.dapr.io does.
 */

export interface Quickstart {
  /** In the repository. */
  folder: string;
  language: "JavaScript" | "Python" | "both";
  needs: "nothing" | "Redis" | "PostgreSQL" | "Kafka";
  ways: Way[];
}

/** One of the ways to run it that its README tells of. */
export interface Way {
  name: "one by one" | "all at once";
  /** In this order; each in a terminal of its own. */
  typed: Typed[];
  /** What ends them, typed in the quickstart's folder. */
  stop: string[];
}

export interface Typed {
  /** Below the quickstart's folder. */
  in: string;
  command: string;
  /** The first line says that the next command may be typed. The others come in time. */
  prints: string[];
  /** It ends by itself, before anything else is typed. */
  ends?: true;
}

const appEnds = "Exited App successfully";
const up =
  "You're up and running! Both Dapr and your app logs will appear here.";

const one = (folder: string, command: string, ...prints: string[]): Typed => ({
  in: folder,
  command,
  prints: [up, ...prints.map((line) => `== APP == ${line}`)],
});

/** A command that ends. */
const ends = (folder: string, command: string, ...prints: string[]): Typed => ({
  in: folder,
  command,
  prints,
  ends: true,
});

const oneByOne = (stopped: string[], ...typed: Typed[]): Way => ({
  name: "one by one",
  typed,
  stop: stopped.map((id) => `dapr stop --app-id ${id}`),
});

const allAtOnce = (
  language: Quickstart["language"],
  ...prints: string[]
): Way => ({
  name: "all at once",
  typed: [
    {
      in: ".",
      command: language === "Python" ? "uv run dapr run -f ." : "dapr run -f .",
      prints,
    },
  ],
  stop: ["dapr stop -f ."],
});

const python = "uv run python app.py";

const started = (id: string) => `Started Dapr with app id "${id}"`;
const of = (id: string, line: string) => `== APP - ${id} == ${line}`;

const state = (form: string, language: Quickstart["language"]): Quickstart => {
  const isJs = language === "JavaScript";
  const lines = isJs
    ? ["Saving Order:  { orderId: '1' }", "Getting Order:  { orderId: '1' }"]
    : [
        "INFO:root:Saving Order: {'orderId': '1'}",
        "INFO:root:Saving Order: {'orderId': '2'}",
      ];
  const command = `dapr run --app-id order-processor --resources-path ../../../resources/ -- ${isJs ? "npm start" : python}`;
  const single = oneByOne(
    ["order-processor"],
    one("order-processor", command, ...lines),
  );
  const multi = allAtOnce(
    language,
    ...lines.map((line) => of("order-processor", line)),
  );
  return {
    folder: `state_management/${language.toLowerCase()}/${form}`,
    language,
    needs: "Redis",
    ways: [multi, single],
  };
};

const secrets = (
  form: string,
  language: Quickstart["language"],
  line: string,
): Quickstart => ({
  folder: `secrets_management/${language.toLowerCase()}/${form}`,
  language,
  needs: "nothing",
  ways: [
    oneByOne(
      [],
      ends(
        "order-processor",
        `dapr run --app-id order-processor --resources-path ../../../components/ -- ${language === "Python" ? python : "npm start"}`,
        `== APP == ${line}`,
        appEnds,
      ),
    ),
  ],
});

/** One of the apps has them in JSON. */
const rows = [
  "insert into orders (orderid, customer, price) values (1, 'John Smith', 100.32)",
  "insert into orders (orderid, customer, price) values (2, 'Jane Bond', 15.4)",
  "insert into orders (orderid, customer, price) values (3, 'Tony James', 35.56)",
  "Finished processing batch",
];

const bindings = (
  form: string,
  language: Quickstart["language"],
  flags: string,
  command: string,
): Quickstart => {
  const id = `batch-${form}`;
  return {
    folder: `bindings/${language.toLowerCase()}/${form}`,
    language,
    needs: "PostgreSQL",
    ways: [
      allAtOnce(language, started(id), ...rows.map((line) => of(id, line))),
      oneByOne([id], {
        in: "batch",
        command: `dapr run --app-id ${id} ${flags} --resources-path ../../../components -- ${command}`,
        prints: [up, ...rows],
      }),
    ],
  };
};

const kept = "== APP == Successfully persisted state.";
const order = (id: number) => `== APP == Got a new order! Order ID: ${id}`;

/** Those of the older tutorials that use what this version has. */
const tutorials: Quickstart[] = [
  {
    folder: "tutorials/hello-world",
    language: "both",
    needs: "nothing",
    ways: [
      oneByOne(
        ["nodeapp", "pythonapp"],
        {
          in: "node",
          command:
            "dapr run --app-id nodeapp --app-port 3000 --dapr-http-port 3500 node app.js",
          prints: [up, order(42), kept, order(42), kept].concat(
            [1, 2, 3, 4, 5].flatMap((id) => [order(id), kept]),
          ),
        },
        ends(
          "node",
          "dapr invoke --app-id nodeapp --method neworder --data-file sample.json",
          "App invoked successfully",
        ),
        ends(
          "node",
          "curl -XPOST -d @sample.json -H Content-Type:application/json http://localhost:3500/v1.0/invoke/nodeapp/method/neworder",
        ),
        ends(
          "node",
          "curl http://localhost:3500/v1.0/invoke/nodeapp/method/order",
          '{"orderId":"42"}',
        ),
        ends(
          "node",
          "dapr invoke --app-id nodeapp --method order --verb GET",
          '{"orderId":"42"}',
          "App invoked successfully",
        ),
        one("python", "dapr run --app-id pythonapp .venv/bin/python app.py"),
      ),
    ],
  },
  {
    folder: "tutorials/pub-sub",
    language: "both",
    needs: "nothing",
    ways: [
      oneByOne(
        ["node-subscriber", "python-subscriber", "react-form"],
        one(
          "node-subscriber",
          "dapr run --app-id node-subscriber --app-port 3000 node app.js",
          "A:  Message on A",
          "B:  Message on B",
        ),
        one(
          "python-subscriber",
          `dapr run --app-id python-subscriber --app-port 5001 ${python}`,
          'Received message "Message on A" on topic "A"',
          'Received message "Message on C" on topic "C"',
        ),
        one(
          "react-form",
          "dapr run --app-id react-form --app-port 8080 npm run start",
          "Publishing:  { messageType: 'B', message: 'Message on B' }",
          "Publishing:  { messageType: 'C', message: 'Message on C' }",
        ),
        ends(
          "react-form",
          "dapr publish --publish-app-id react-form --pubsub pubsub --topic A --data-file message_a.json",
          "Event published successfully",
        ),
        ...["b", "c"].map((letter) =>
          ends(
            "react-form",
            `curl -s http://localhost:8080/publish -H Content-Type:application/json --data @message_${letter}.json`,
            "OK",
          ),
        ),
      ),
    ],
  },
  {
    folder: "tutorials/bindings",
    language: "both",
    needs: "Kafka",
    ways: [
      oneByOne(
        ["bindings-nodeapp", "bindings-pythonapp"],
        one(
          "nodeapp",
          "dapr run --app-id bindings-nodeapp --app-port 3000 node app.js --resources-path ../components",
          "Hello from Kafka!",
          "{ orderId: ",
        ),
        one(
          "pythonapp",
          `dapr run --app-id bindings-pythonapp ${python} --resources-path ../components`,
          "{'data': {'orderId': 1}, 'operation': 'create'}",
          "Response for order 1: 204",
        ),
      ),
    ],
  },
];

export const quickstarts: Quickstart[] = [
  ...tutorials,
  state("http", "JavaScript"),
  state("sdk", "JavaScript"),
  state("http", "Python"),
  state("sdk", "Python"),
  {
    folder: "pub_sub/javascript/http",
    language: "JavaScript",
    needs: "Redis",
    ways: [
      allAtOnce(
        "JavaScript",
        started("order-processor-http"),
        started("checkout-http"),
        of("checkout-http", 'Published data: {"orderId":10}'),
        of("order-processor-http", "Subscriber received: { orderId: 10 }"),
      ),
      oneByOne(
        ["checkout-http", "order-processing-http"],
        one(
          "order-processor",
          "dapr run --app-port 5003 --app-id order-processing-http --app-protocol http --dapr-http-port 3501 --resources-path ../../../components -- npm run start",
          "Subscriber received: { orderId: 2 }",
        ),
        one(
          "checkout",
          "dapr run --app-id checkout-http --app-protocol http --dapr-http-port 3500 --resources-path ../../../components -- npm run start",
          'Published data: {"orderId":2}',
          'Published data: {"orderId":3}',
        ),
      ),
    ],
  },
  {
    folder: "pub_sub/javascript/sdk",
    language: "JavaScript",
    needs: "Redis",
    ways: [
      allAtOnce(
        "JavaScript",
        started("order-processor"),
        started("checkout-sdk"),
        of("checkout-sdk", 'Published data: {"orderId":1}'),
        of("order-processor", 'Subscriber received: {"orderId":1}'),
      ),
      oneByOne(
        ["checkout-sdk", "order-processing-sdk"],
        one(
          "order-processor",
          "dapr run --app-port 5002 --app-id order-processing-sdk --app-protocol http --dapr-http-port 3501 --resources-path ../../../components -- npm run start",
          'Subscriber received: {"orderId":2}',
        ),
        one(
          "checkout",
          "dapr run --app-id checkout-sdk --app-protocol http --dapr-http-port 3500 --resources-path ../../../components -- npm run start",
          'Published data: {"orderId":2}',
          'Published data: {"orderId":3}',
        ),
      ),
    ],
  },
  ...["http", "sdk"].map((form): Quickstart => ({
    folder: `pub_sub/python/${form}`,
    language: "Python",
    needs: "Redis",
    ways: [
      allAtOnce(
        "Python",
        started(`order-processor-${form}`),
        started(`checkout-${form}`),
        of(`checkout-${form}`, 'INFO:root:Published data: {"orderId": 1}'),
        of(`order-processor-${form}`, "Subscriber received : 4"),
      ),
      oneByOne(
        [`checkout-${form}`, `order-processor-${form}`],
        one(
          "order-processor",
          `dapr run --app-id order-processor-${form} --resources-path ../../../components/ ${form === "http" ? "--app-port 6021 -- uv run uvicorn app:app --port 6002" : `--app-port 6002 -- ${python}`}`,
          "Subscriber received : 2",
        ),
        one(
          "checkout",
          `dapr run --app-id checkout-${form} --resources-path ../../../components/ -- ${python}`,
          'INFO:root:Published data: {"orderId": 1}',
          'INFO:root:Published data: {"orderId": 2}',
        ),
      ),
    ],
  })),
  {
    folder: "service_invocation/javascript/http",
    language: "JavaScript",
    needs: "nothing",
    ways: [
      allAtOnce(
        "JavaScript",
        'Validating config and starting app "order-processor"',
        started("order-processor"),
        "Writing log files to directory",
        'Validating config and starting app "checkout"',
        started("checkout"),
        "Writing log files to directory",
        of("order-processor", "Order received: { orderId: 1 }"),
        of("checkout", 'Order passed: {"orderId":1}'),
      ),
      oneByOne(
        ["checkout", "order-processor"],
        one(
          "order-processor",
          "dapr run --app-port 5001 --app-id order-processor --app-protocol http --dapr-http-port 3501 -- npm start",
          "Order received: { orderId: 2 }",
        ),
        one(
          "checkout",
          "dapr run  --app-id checkout --app-protocol http --dapr-http-port 3500 -- npm start",
          'Order passed: {"orderId":1}',
          'Order passed: {"orderId":2}',
        ),
      ),
    ],
  },
  {
    folder: "service_invocation/python/http",
    language: "Python",
    needs: "nothing",
    ways: [
      oneByOne(
        ["checkout", "order-processor"],
        one(
          "order-processor",
          `dapr run --app-port 8001 --app-id order-processor --app-protocol http --dapr-http-port 3501 -- ${python}`,
          'Order received : {"orderId": 10}',
        ),
        one(
          "checkout",
          `dapr run  --app-id checkout --app-protocol http --dapr-http-port 3500 -- ${python}`,
          'Order passed: {"orderId": 1}',
          'Order passed: {"orderId": 2}',
        ),
      ),
      allAtOnce(
        "Python",
        'Validating config and starting app "order-processor"',
        started("order-processor"),
        "Writing log files to directory",
        'Validating config and starting app "checkout"',
        started("checkout"),
        "Writing log files to directory",
      ),
    ],
  },
  secrets(
    "http",
    "JavaScript",
    "Fetched Secret:  { secret: 'YourPasskeyHere' }",
  ),
  secrets("sdk", "JavaScript", 'Fetched Secret: {"secret":"YourPasskeyHere"}'),
  ...["http", "sdk"].map((form) =>
    secrets(
      form,
      "Python",
      "INFO:root:Fetched Secret: {'secret': 'YourPasskeyHere'}",
    ),
  ),
  bindings(
    "http",
    "JavaScript",
    "--app-port 5001 --dapr-http-port 3500",
    "node index.js",
  ),
  bindings(
    "sdk",
    "JavaScript",
    "--app-port 5002 --dapr-http-port 3500",
    "node index.js",
  ),
  ...["http", "sdk"].map((form) =>
    bindings(form, "Python", "--app-port 50051", "python3 app.py"),
  ),
];

export { appEnds };
