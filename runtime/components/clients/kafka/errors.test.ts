import { brokerError, explainError, isHopeless } from "./errors.ts";

const connection = (message: string, code?: string) =>
  Object.assign(new Error(message), { code, broker: "b:9092" });

test.each([
  [
    connection(
      "Connection error: self-signed certificate; if the root CA is installed locally, try running Node.js with --use-system-ca",
      "DEPTH_ZERO_SELF_SIGNED_CERT",
    ),
    true,
    "broker b:9092 has a certificate that is not trusted (self-signed certificate): set caCert to its authority in PEM, or SSL_CERT_FILE to a file of it",
  ],
  [
    connection("Connection error: …", "ERR_SSL_WRONG_VERSION_NUMBER"),
    true,
    "broker b:9092 does not speak TLS on this port",
  ],
  [
    connection("Closed connection"),
    false,
    "broker b:9092 closed the connection: it may expect TLS or a login",
  ],
  [
    connection("Connection error: connect ECONNREFUSED", "ECONNREFUSED"),
    false,
    "nothing listens at broker b:9092 (ECONNREFUSED)",
  ],
  [
    connection("Connection error: getaddrinfo ENOTFOUND b", "ENOTFOUND"),
    false,
    "the host of broker b:9092 does not resolve (ENOTFOUND)",
  ],
  [brokerError(29), true, 'lacks the right WRITE on topic "t"'],
  [
    Object.assign(brokerError(29), { topic: "x" }),
    true,
    'lacks the right DESCRIBE on topic "x"',
  ],
  [brokerError(30), true, 'lacks the right READ on group "g"'],
  [brokerError(31), true, "IDEMPOTENT_WRITE on the cluster"],
  [brokerError(34), true, "wants no login on this port"],
  [brokerError(19), false, "in-sync replicas"],
])(
  "%#: says what is wrong and whether trying helps",
  (error, hopeless, text) => {
    const asked = { operation: "WRITE", topic: "t", group: "g" } as const;
    expect(explainError(error, asked)).toContain(text);
    expect(isHopeless(error)).toBe(hopeless);
  },
);
