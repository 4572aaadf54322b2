/**
 * kafkajs' inner modules, as far as the Kafka clients here use them. cluster.ts
 * says why its public API is not used.
 */
declare module "kafkajs/src/cluster/index.js" {
  const Cluster: new (options: Record<string, unknown>) => unknown;
  export default Cluster;
}

declare module "kafkajs/src/loggers/index.js" {
  const loggers: {
    LEVELS: Record<"NOTHING" | "ERROR" | "WARN" | "INFO" | "DEBUG", number>;
    createLogger(options: {
      level: number;
      logCreator: () => (entry: { log: { message: string } }) => void;
    }): unknown;
  };
  export default loggers;
}

declare module "kafkajs/src/network/requestQueue/index.js" {
  const RequestQueue: {
    prototype: { pending: unknown[]; scheduleCheckPendingRequests(): void };
  };
  export default RequestQueue;
}

declare module "kafkajs/src/protocol/error.js" {
  const errors: {
    createErrorFromCode(code: number): Error & { type: string };
  };
  export default errors;
}
