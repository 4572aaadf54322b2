/** What is read for the app: begun, ended and begun again. Under one name one follows the other. */
import type { StopReading } from "../../contracts/delivery.ts";

export interface ReadingsOptions<T> {
  /**
   * Begins to read. Resolves with undefined if there is nothing to read, or if `starting` aborts. Must not reject.
   * `holding` aborts once the reading knows that it stops: messages that are held are let go then.
   */
  read(
    named: T,
    starting: AbortSignal,
    holding: AbortSignal,
  ): Promise<StopReading | undefined>;
  /** Told why one could not be stopped well. */
  onStopFailed(named: T, error: unknown): void;
}

export interface Readings<T> {
  /** Reads it after the last reading under its name has stopped. Resolves once it is read, or is not to be. */
  start(named: T): Promise<void>;
  /** Takes nothing new; resolves once what is in flight is committed. */
  stop(named: T): Promise<void>;
  stopAll(): Promise<void>;
  /** Resolves once everything that was told to stop under this name has stopped. */
  stopped(name: string): Promise<void>;
}

interface Reading {
  starting: AbortController;
  holding: AbortController;
  started: Promise<StopReading | undefined>;
}

export function createReadings<T extends { name: string }>({
  read,
  onStopFailed,
}: ReadingsOptions<T>): Readings<T> {
  const readings = new Map<T, Reading>();
  /** For each name, the end of its last reading. */
  const stopping = new Map<string, Promise<void>>();

  function stop(named: T): Promise<void> {
    const reading = readings.get(named);
    if (reading) {
      readings.delete(named);
      const ending = end(named, reading);
      stopping.set(named.name, ending);
      void ending.then(() => {
        if (stopping.get(named.name) === ending) stopping.delete(named.name);
      });
    }
    return stopped(named.name);
  }

  const stopped = (name: string) => stopping.get(name) ?? Promise.resolve();

  async function end(named: T, { starting, holding, started }: Reading) {
    starting.abort();
    const stopReading = await started;
    const stopped = stopReading?.();
    holding.abort();
    try {
      await stopped;
    } catch (error) {
      onStopFailed(named, error);
    }
  }

  return {
    async start(named) {
      if (readings.has(named)) return;
      const starting = new AbortController();
      const holding = new AbortController();
      const started = stopped(named.name).then(() =>
        starting.signal.aborted
          ? undefined
          : read(named, starting.signal, holding.signal),
      );
      readings.set(named, { starting, holding, started });
      await started;
    },
    stop,
    stopped,
    async stopAll() {
      for (const named of readings.keys()) void stop(named);
      await Promise.all(stopping.values());
    },
  };
}
