/** No request for more entries is served: handling them in one go would hold up everybody else. */
export const maxEntries = 10_000;
