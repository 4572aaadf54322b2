/** The errors of Kafka's protocol and of kafkajs, and what they mean for a user. */
import errors from "kafkajs/src/protocol/error.js";

/** Makes an error of the broker's error code; its `type` is Kafka's name of the code. */
export function brokerError(code: number): Error & { type: string } {
  return errors.createErrorFromCode(code);
}

/** Kafka's name of an error (`UNKNOWN_TOPIC_OR_PARTITION`), however deep kafkajs wrapped it. */
export const errorType = (error: unknown) => find(error, "type");

/** The brokers refused user, password or token. */
export function isLoginError(error: unknown): boolean {
  return (
    error instanceof Error && error.name === "KafkaJSSASLAuthenticationError"
  );
}

/** The user lacks a right. */
export const isDenial = (error: unknown) =>
  (errorType(error) ?? "").endsWith("_AUTHORIZATION_FAILED");

/** True if trying again soon can't help: a refused login, a missing right, a certificate that is not trusted, TLS on one side only. */
export function isHopeless(error: unknown): boolean {
  const code = find(error, "code") ?? "";
  return (
    isLoginError(error) ||
    isDenial(error) ||
    errorType(error) === "ILLEGAL_SASL_STATE" ||
    certificateCodes.test(code) ||
    notTlsCodes.test(code)
  );
}

/** What was asked for when the error came. */
export interface Asked {
  operation?: "READ" | "WRITE";
  topic?: string;
  group?: string;
}

/** Says which broker, what is wrong and what to set. */
export function explainError(error: unknown, asked: Asked = {}): string {
  const message = error instanceof Error ? error.message : String(error);
  const code = find(error, "code") ?? "";
  const broker = find(error, "broker");
  const at = broker ? `broker ${broker}` : "a broker";
  const topic = find(error, "topic");
  switch (errorType(error)) {
    case "GROUP_AUTHORIZATION_FAILED":
      return `this user lacks the right READ on group "${asked.group ?? ""}"; ask who runs the brokers for that ACL`;
    case "TOPIC_AUTHORIZATION_FAILED":
      return `this user lacks the right ${topic ? "DESCRIBE" : (asked.operation ?? "DESCRIBE")} on topic "${topic ?? asked.topic ?? ""}"; ask who runs the brokers for that ACL`;
    case "CLUSTER_AUTHORIZATION_FAILED":
      return `this user lacks the right WRITE on topic "${asked.topic ?? ""}", or IDEMPOTENT_WRITE on the cluster; ask who runs the brokers for that ACL`;
    case "ILLEGAL_SASL_STATE":
      return `${at} wants no login on this port, but authType asks for one: ${message}`;
  }
  if (isLoginError(error))
    return `${at} refused the login: ${message}; check saslUsername, saslPassword and saslMechanism, or the token's source`;
  if (certificateCodes.test(code))
    return `${at} has a certificate that is not trusted (${reason(message)}): set caCert to its authority in PEM, or SSL_CERT_FILE to a file of it`;
  if (notTlsCodes.test(code))
    return `${at} does not speak TLS on this port: use its TLS port, or set disableTls: "true" (authType none needs no TLS)`;
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return `the host of ${at} does not resolve (${code}): check 'brokers', and the names that the brokers advertise`;
  if (code === "ECONNREFUSED") return `nothing listens at ${at} (${code})`;
  if (message.includes("before secure TLS connection was established"))
    return `${at} closed the connection in the TLS handshake: it may not speak TLS on this port; use its TLS port, or set disableTls: "true" (authType none needs no TLS)`;
  if (message === "Closed connection")
    return `${at} closed the connection: it may expect TLS or a login on this port (authType), or be just ending`;
  return broker && !message.includes(broker) ? `${at}: ${message}` : message;
}

const certificateCodes =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT_ALTNAME_INVALID)/;
const notTlsCodes = /^(ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH)/;

/** Cuts kafkajs' words in front and Node's advice behind. */
const reason = (message: string) =>
  message.replace(/^Connection error: /, "").split(";", 1)[0]!;

/** A property of the error or of one it wraps. */
function find(error: unknown, name: string): string | undefined {
  for (let e = error; e instanceof Error; e = e.cause) {
    const value = (e as unknown as Record<string, unknown>)[name];
    if (typeof value === "string" && value !== "") return value;
  }
  return undefined;
}
