/** Requests that are encoded here, over kafkajs' connections. */
import { startTimer } from "../../../../shared/timers.ts";

export interface WireRequest {
  apiKey: number;
  apiVersion: number;
  apiName: string;
  /** The bytes after the request header, in pieces. */
  body: Buffer[];
  expectResponse?: boolean;
  /** Rejects if there is no answer by then; the caller then gives the connection up. */
  timeoutMs?: number;
}

export interface Connection {
  clientId: string;
  socket?: {
    readonly destroyed: boolean;
    destroy(error: Error): void;
    cork(): void;
    write(bytes: Buffer): void;
    uncork(): void;
  };
  authenticate(): Promise<void>;
  isConnected(): boolean;
  nextCorrelationId(): number;
  requestQueue: {
    push(request: {
      entry: {
        apiKey: number;
        apiVersion: number;
        apiName: string;
        correlationId: number;
        resolve(answer: { payload: Buffer }): void;
        reject(error: Error): void;
      };
      expectResponse: boolean;
      requestTimeout: number | undefined;
      sendRequest(): void;
    }): void;
  };
  rejectRequests(error: Error): void;
  disconnect(): Promise<unknown>;
}

export interface ConnectionPool {
  host: string;
  port: number;
  pool: Connection[];
  getConnectionByRequest(protocol: {
    request: { apiKey: number };
  }): Promise<Connection>;
}

/**
 * Sends a request encoded here and resolves with the bytes of its answer.
 * kafkajs' own send is not used, as it copies a request three times.
 */
export async function sendRaw(
  broker: { connectionPool: ConnectionPool },
  request: WireRequest,
): Promise<Buffer> {
  const { body, apiKey, apiVersion, apiName } = request;
  const connection = await broker.connectionPool.getConnectionByRequest({
    request,
  });
  await connection.authenticate();
  if (!connection.isConnected()) throw new Error("connection closed");
  const correlationId = connection.nextCorrelationId();
  const client = Buffer.from(connection.clientId);
  const head = Buffer.allocUnsafe(14 + client.length);
  const bodySize = body.reduce((size, piece) => size + piece.length, 0);
  head.writeInt32BE(head.length - 4 + bodySize, 0);
  head.writeInt16BE(apiKey, 4);
  head.writeInt16BE(apiVersion, 6);
  head.writeInt32BE(correlationId, 8);
  head.writeInt16BE(client.length, 12);
  client.copy(head, 14);
  // kafkajs accepts no limit below its general one.
  const { timeoutMs } = request;
  let timer: NodeJS.Timeout | undefined;
  try {
    const { payload } = await new Promise<{ payload: Buffer }>(
      (resolve, reject) => {
        if (timeoutMs !== undefined)
          timer = startTimer(() => {
            const { host, port } = broker.connectionPool;
            reject(
              new Error(
                `broker ${host}:${port} gives no answer to ${apiName} within ${timeoutMs} ms`,
              ),
            );
          }, timeoutMs);
        connection.requestQueue.push({
          entry: {
            apiKey,
            apiVersion,
            apiName,
            correlationId,
            resolve,
            reject,
          },
          expectResponse: request.expectResponse !== false,
          requestTimeout: timeoutMs,
          sendRequest() {
            const socket = connection.socket!;
            socket.cork();
            socket.write(head);
            for (const piece of body) socket.write(piece);
            socket.uncork();
          },
        });
      },
    );
    return payload;
  } finally {
    clearTimeout(timer);
  }
}
