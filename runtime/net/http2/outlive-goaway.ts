import { constants, type Http2Session } from "node:http2";

/**
 * Lets calls end well after a GOAWAY with an error. It says that no new ones are taken; those up to its last stream may still be
 * answered (RFC 9113 §6.8). Node 24 destroys the session at once, right after its event, with an error of its own.
 */
export function outliveGoaway(session: Http2Session): void {
  let isTold = false;
  session.on("goaway", (code: number) => {
    isTold = code !== constants.NGHTTP2_NO_ERROR;
  });
  const destroy = session.destroy.bind(session);
  session.destroy = (error, code) => {
    if (!isTold || error === undefined) return destroy(error, code);
    isTold = false;
    session.close();
  };
}
