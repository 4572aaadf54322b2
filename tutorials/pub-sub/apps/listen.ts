/** Listens, and ends as the sidecar expects: the same for each app of this folder. */
import type { Express } from "express";

/** `port` is where the app listens unless APP_PORT, which `dapr run` sets, says otherwise. */
export function listen(app: Express, name: string, port: number): void {
  const chosen = Number(process.env.APP_PORT || port);
  const server = app.listen(chosen, (error) => {
    if (!error) return console.log(`${name} listening on port ${chosen}!`);
    console.error(
      `Cannot listen on port ${chosen}: ${error.message}. Stop what uses it, or give a free port: by --app-port with "dapr run", by appPort in a run file, else by APP_PORT.`,
    );
    process.exit(1);
  });

  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => {
      // Messages in flight are answered first; idle connections are closed.
      server.close(() => process.exit(0));
    });
}
