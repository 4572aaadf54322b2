/** Every client gives up connecting after its own limit if nobody answers, and not after the kernel's minutes. */
import { createExternal } from "../../runtime/peers/external-http.ts";
import { createHttp1Client } from "../../runtime/net/http1/client.ts";
import { createHttp2Client } from "../../runtime/net/http2/client.ts";
import { openGrpcPeers, openPeers } from "../support/peers.ts";
import { canBeSilent, openSilentPort } from "../support/silent-port.ts";
import { request } from "./peers-contract.ts";

const host = "127.0.0.1";
const onePort = canBeSilent ? test : test.skip;

/** All clients connect at the same time, and each gives its own error. */
onePort(
  "connecting to a port that never answers fails after the client's limit",
  async () => {
    const silent = await openSilentPort();
    const { port } = silent;
    const peers = [openPeers(), openGrpcPeers()];
    const app = createHttp1Client({ host, port, authority: "app:1" });
    const http2App = createHttp2Client(`http://${host}:${port}`);
    const external = createExternal({ followRedirects: false });
    const outcomes = await Promise.allSettled([
      ...peers.map((to) => to.call({ host, port }, request())),
      app.forward(request()),
      http2App.forward(request()),
      external.callUrl(`http://${host}:${port}`, request()),
    ]);
    const unreachable = (seconds: number) => ({
      kind: "unavailable",
      unsent: true,
      message: expect.stringMatching(
        new RegExp(
          `can't be reached: (Error: )?no connection within ${seconds} s; is it still running`,
        ),
      ) as string,
    });
    expect(outcomes).toMatchObject(
      [
        unreachable(2),
        unreachable(3),
        { message: "no connection within 10 s", syscall: "connect" },
        { message: "it did not begin to speak HTTP/2 within 10 s" },
        { code: "UND_ERR_CONNECT_TIMEOUT" },
      ].map((reason) => ({ status: "rejected", reason })),
    );
    for (const client of [...peers, app, http2App, external])
      await client.close();
    silent.close();
  },
);
