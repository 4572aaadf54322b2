import type { ServerAnswer } from "../../clients/postgres/errors.ts";

/** What PostgreSQL says of keys and values that it can't hold. */
export const stateAnswers: readonly ServerAnswer[] = [
  [
    "22P05",
    /\\u0000|Unicode/,
    "a text in the value holds U+0000, which JSONB can't: use version v2",
  ],
  ["22P02", /json/, "the value is not JSON, which version v1 needs: use v2"],
  [
    "54000",
    /index row/,
    "the key is too long for PostgreSQL's index; some 2,700 bytes fit",
  ],
  [
    "54001",
    /./,
    "the value is nested deeper than JSONB takes in this server; use version v2, or raise max_stack_depth",
  ],
];
