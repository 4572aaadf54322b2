/** How far a sidecar's start has come, as it tells the process that started it with a channel of Node's (`ipc`). */
export type StartStage =
  /** The API is served, at these ports. */
  | { stage: "listening"; httpPort: number; grpcPort: number }
  /** The app listens, too, if there is one. */
  | { stage: "initialized" }
  /** All that the app wants is read, or could not be at first. */
  | { stage: "reading" };
