/** The load generator's requests, ready to write, and what their right answers are. */
import { isOrder, order, orderBytes } from "./orders.ts";

interface Kind {
  /** The text is latin1: one character is one byte. */
  request(path: string, id: number, sentAtUs: number): string;
  /** Whether the body of a 2xx belongs to this order. */
  isAnswer(body: string, id: number): boolean;
}

const anyAnswer = () => true;

export const kinds = {
  /** Sends an order to an output binding. */
  bind: {
    request: (path, id, sentAtUs) =>
      `${postHead(path)}${bindBytes}\r\n\r\n{"data":${order(id, sentAtUs)},"operation":"create"}`,
    isAnswer: anyAnswer,
  },
  /** Publishes an order. */
  publish: {
    request: (path, id, sentAtUs) =>
      `${postHead(path)}${orderBytes}\r\n\r\n${order(id, sentAtUs)}`,
    isAnswer: anyAnswer,
  },
  /** Saves each order under a key of its own, `order-ID`. */
  save: {
    request(path, id, sentAtUs) {
      const key = `order-${id}`;
      return `${postHead(path)}${saveBytes + key.length}\r\n\r\n[{"key":"${key}","value":${order(id, sentAtUs)}}]`;
    },
    isAnswer: anyAnswer,
  },
  /** Reads an order that `save` wrote. */
  get: {
    request: (path, id) =>
      `GET ${path}/order-${id} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    isAnswer: isOrder,
  },
  /** Calls the app's `/echo`, which gives back the body. */
  call: {
    request: (path, id, sentAtUs) =>
      `${postHead(path)}${orderBytes}\r\n\r\n${order(id, sentAtUs)}`,
    isAnswer: isOrder,
  },
} satisfies Record<string, Kind>;

export type KindName = keyof typeof kinds;

const bindBytes = orderBytes + '{"data":,"operation":"create"}'.length;
const saveBytes = orderBytes + '[{"key":"","value":}]'.length;

const postHead = (path: string) =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: `;
