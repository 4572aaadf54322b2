/** What the way to the app is made from, whatever it speaks. */
import type { Logger } from "../shared/log.ts";

export interface AppOptions {
  appId: string;
  address: string;
  port: number;
  /** Calls under way at a time; 0 or less is no limit. */
  maxConcurrency: number;
  /** Bytes of an answer, or of a message of gRPC, that are taken at most; a longer one is an error. */
  maxBodyBytes: number;
  /** Sent as `dapr-api-token` on every call (APP_API_TOKEN). */
  apiToken?: string;
  log: Logger;
}
