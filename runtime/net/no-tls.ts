/** What OpenSSL says to bytes that are no TLS, such as an answer of plain HTTP, in words that tell who. */
export const explainTls = (origin: string, error: Error): Error =>
  /wrong version number|packet length too long|:http request/i.test(
    error.message,
  )
    ? new Error(`the server at ${origin} did not answer with TLS`, {
        cause: error,
      })
    : error;
