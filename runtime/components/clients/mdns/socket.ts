/**
 * Multicast DNS with the package multicast-dns. One socket listens and answers
 * on the usual port, another one asks. They differ in their reach: a sidecar that
 * only this machine can call answers on this machine only, but asks the network.
 */
import { createSocket, type Socket } from "node:dgram";
import type { Answer, Question } from "dns-packet";
import multicastDns, {
  type MulticastDNS,
  type QueryPacket,
  type ResponsePacket,
} from "multicast-dns";

export interface MdnsOptions {
  /** Whether answers stay on this machine. */
  isLocal(): boolean;
  onQuestion(question: Question, reply: (answers: Answer[]) => void): void;
  onRecords(records: Answer[]): void;
  /** Called when multicast DNS does not work here; it is closed then. */
  onFailed(error: Error): void;
  onWarning(error: Error): void;
}

export interface Mdns {
  ask(name: string): void;
  /** Sends answers to everybody without being asked. */
  tell(answers: Answer[], done?: () => void): void;
  close(): void;
}

const port = 5353;
const farTtl = 255;

export function openMdns(options: MdnsOptions): Mdns {
  let isOpen = true;
  let isBound = false;
  const fail = (error: Error) => {
    if (!isOpen) return;
    close();
    options.onFailed(error);
  };
  const onResponse = ({ answers, additionals }: ResponsePacket) =>
    options.onRecords([...answers, ...additionals]);

  const answerTtl = () => (options.isLocal() ? 0 : farTtl);
  const socket = createSocket({ type: "udp4", reuseAddr: true });
  const listener = multicastDns({ socket } as object);
  watch(listener, socket, answerTtl);
  socket.on("listening", () => (isBound = true));
  listener.on("response", onResponse);
  listener.on("query", ({ questions, id }: QueryPacket, from) => {
    for (const question of questions)
      options.onQuestion(question, (answers) => {
        const isUnicast =
          from.port !== port || (question as { flag_qu?: boolean }).flag_qu;
        listener.respond({ answers });
        // Who asks from another port listens only there (RFC 6762 §6.7).
        if (isUnicast)
          listener.respond({ id, answers } as { answers: Answer[] }, from);
      });
  });

  let asker: MulticastDNS | undefined;
  function openAsker(): MulticastDNS {
    const out = createSocket({ type: "udp4" });
    const made = multicastDns({
      socket: out,
      bind: false,
      multicast: false,
    } as object);
    watch(made, out, () => farTtl);
    made.on("response", onResponse);
    return made;
  }

  function watch(mdns: MulticastDNS, on: Socket, ttl: () => number) {
    mdns.on("error", fail);
    mdns.on("warning", options.onWarning);
    on.on("listening", () => {
      on.setMulticastTTL(ttl());
      on.unref();
    });
  }

  function close() {
    if (!isOpen) return;
    isOpen = false;
    listener.destroy();
    asker?.destroy();
  }

  return {
    ask(name) {
      if (!isOpen) return;
      asker ??= openAsker();
      asker.query([{ name, type: "PTR" }]);
    },
    tell(answers, done) {
      if (!isOpen) return done?.();
      // It may be open before it is known where this sidecar listens.
      if (isBound) socket.setMulticastTTL(answerTtl());
      listener.respond({ answers }, () => done?.());
    },
    close,
  };
}
