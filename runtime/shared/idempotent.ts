/** Whether a request of this verb may happen twice (RFC 9110 §9.2.2). */
export const isIdempotent = (method: string): boolean =>
  /^(GET|HEAD|OPTIONS|TRACE|PUT|DELETE)$/.test(method);
