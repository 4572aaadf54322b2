/** The app does not speak HTTP/1.1 as it should. */
export class ProtocolError extends Error {
  override name = "ProtocolError";
}
