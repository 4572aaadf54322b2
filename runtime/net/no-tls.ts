/** Turns what OpenSSL says of bytes that are not TLS, such as an answer in plain HTTP, into words that say who sent them. */
export const explainTls = (origin: string, error: Error): Error =>
  /wrong version number|packet length too long|:http request/i.test(
    error.message,
  )
    ? new Error(`the server at ${origin} did not answer with TLS`, {
        cause: error,
      })
    : error;
