/**
 * What cannot be parsed is answered as Node does by default, and the connection
 * ends. A connection on which nothing came in time ends without an answer: the
 * client could take it for the answer to its next request.
 */
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

const answers: Record<string, string> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "413 Payload Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

export function answerClientError(
  error: NodeJS.ErrnoException,
  socket: Socket,
): void {
  const current = (socket as { _httpMessage?: ServerResponse })._httpMessage;
  // Half an answer is on its way: a second one would be read as its body.
  const isAsked = socket.bytesRead > 0;
  if (isAsked && socket.writable && !current?.headersSent)
    socket.write(
      `HTTP/1.1 ${answers[error.code ?? ""] ?? "400 Bad Request"}\r\nConnection: close\r\n\r\n`,
    );
  socket.destroySoon();
}
