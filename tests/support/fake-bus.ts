/** A message bus for tests of its block: a test hands over each message itself, and sees what comes of it. */
import type { StopReading } from "../../runtime/contracts/delivery.ts";
import type {
  BulkLimits,
  Handle,
  HandleBulk,
  PublishRequest,
  PubSub,
  SubscribeRequest,
  TopicMessage,
} from "../../runtime/contracts/pubsub.ts";

export interface FakeBus extends PubSub {
  published: PublishRequest[];
  /** The requests of what is read now. */
  reading(): SubscribeRequest[];
  /** Of each subscription so far, in order: `+topic`, and `-topic` when it stopped. */
  history: string[];
  /** As the broker's handler has it; an object becomes JSON. Rejects if nobody reads the topic. */
  send(
    topic: string,
    data: object | string | Uint8Array,
    more?: Partial<TopicMessage>,
  ): Promise<void>;
  /** The same message may come again. */
  hand(message: TopicMessage): Promise<void>;
  sendBulk(topic: string, data: object[]): Promise<(Error | undefined)[]>;
}

export interface FakeBusOptions {
  /** Reads in bulks itself. */
  bulk?: boolean;
  /** Called before each subscription; what it throws refuses it. */
  onSubscribe?(request: SubscribeRequest): void;
  /** Called before each publish; what it throws refuses it. */
  onPublish?(request: PublishRequest): void;
}

export function fakeBus(options: FakeBusOptions = {}): FakeBus {
  interface Reader {
    request: SubscribeRequest;
    limits: BulkLimits | undefined;
    handle: HandleBulk;
  }
  const readers = new Set<Reader>();
  const history: string[] = [];
  const published: PublishRequest[] = [];
  const add = async (reader: Reader): Promise<StopReading> => {
    options.onSubscribe?.(reader.request);
    readers.add(reader);
    history.push(`+${reader.request.topic}`);
    const underWay = new Set<Promise<unknown>>();
    const { handle } = reader;
    reader.handle = (messages) => {
      const work = handle(messages);
      underWay.add(work);
      void work.catch(() => {}).then(() => underWay.delete(work));
      return work;
    };
    return async () => {
      readers.delete(reader);
      await Promise.allSettled(underWay);
      history.push(`-${reader.request.topic}`);
    };
  };
  const readerOf = (topic: string) => {
    const found = [...readers].find(({ request }) => request.topic === topic);
    if (!found) throw new Error(`nobody reads ${topic}`);
    return found;
  };
  const bytesOf = (data: object | string | Uint8Array) =>
    data instanceof Uint8Array
      ? data
      : Buffer.from(typeof data === "string" ? data : JSON.stringify(data));
  async function hand(message: TopicMessage): Promise<void> {
    const [error] = await readerOf(message.topic).handle([message]);
    if (error) throw error;
  }
  return {
    features: [],
    published,
    history,
    reading: () => [...readers].map(({ request }) => request),
    async publish(request) {
      options.onPublish?.(request);
      published.push(request);
    },
    subscribe: (request, handle: Handle) =>
      add({
        request,
        limits: undefined,
        async handle(messages) {
          await handle(messages[0]!);
          return [];
        },
      }),
    ...(options.bulk
      ? {
          subscribeBulk: (request, limits, handle) =>
            add({ request, limits, handle }),
        }
      : {}),
    send: (topic, data, more = {}) =>
      hand({ topic, data: bytesOf(data), metadata: {}, ...more }),
    hand,
    sendBulk: async (topic, data) =>
      readerOf(topic).handle(
        data.map((one) => ({ topic, data: bytesOf(one), metadata: {} })),
      ),
    close: async () => {},
  };
}
