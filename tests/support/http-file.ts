/** HTTP over a Unix domain socket. */
import { request } from "node:http";

/** The status of a GET. */
export const call = (socketPath: string, path: string): Promise<number> =>
  new Promise((resolve, reject) => {
    request({ socketPath, path, agent: false }, (incoming) => {
      incoming.resume();
      resolve(incoming.statusCode!);
    })
      .on("error", reject)
      .end();
  });
