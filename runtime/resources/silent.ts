import { createLogger } from "../shared/log.ts";

/** For what is only looked at: who acts on it tells what is wrong with it. */
export const silent = createLogger({
  level: "fatal",
  json: false,
  appId: "",
  version: "",
  write: () => {},
});
