import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { openGrpcConnection } from "./grpc-connection.ts";

test.each([undefined, "orders"])(
  "calls of one connection, against a server that others wrote; for the app %s",
  async (appId) => {
    const path = "/a.B/C";
    const seen: string[] = [];
    const server = createServer().on("stream", (stream, headers) => {
      seen.push(
        `${headers[":method"]} ${headers[":path"]} ${headers["content-type"]} ${headers["te"]} ${headers["dapr-app-id"]}`,
      );
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const message = Buffer.concat(chunks);
        if (message.subarray(5).toString() === "bad") {
          stream.respond({ "grpc-status": "13" }, { endStream: true });
          return;
        }
        stream.on("wantTrailers", () =>
          stream.sendTrailers({ "grpc-status": "0" }),
        );
        stream.respond({}, { waitForTrailers: true });
        stream.end(message);
      });
    });
    await new Promise<void>((resolve) =>
      server.listen(0, "127.0.0.1", resolve),
    );
    const answers: (string | undefined)[] = [];
    const sent = ["one", "bad", "x".repeat(8_000), "last"];
    await new Promise<void>((resolve, reject) => {
      const send = () => connection.send(Buffer.from(sent[answers.length]!));
      const connection = openGrpcConnection({
        port: (server.address() as AddressInfo).port,
        path,
        appId,
        onOpen: send,
        onAnswer(message) {
          answers.push(message?.toString());
          if (answers.length < sent.length) return send();
          connection.close();
          resolve();
        },
        onBroken: (why) => reject(new Error(why)),
      });
    });
    expect(answers).toEqual(["one", undefined, sent[2], "last"]);
    expect(new Set(seen)).toEqual(
      new Set([`POST ${path} application/grpc trailers ${appId}`]),
    );
    server.close();
  },
);
