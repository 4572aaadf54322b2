/** The properties of a component on the embedded broker, whatever its kind. */
import { dirname, resolve } from "node:path";
import {
  MetadataError,
  choice,
  duration,
  durationMs,
  number,
  size,
  text,
} from "../../../../contracts/metadata.ts";
import type {
  MetadataItem,
  MetadataValues,
} from "../../../../contracts/metadata.ts";
import type { FileOptions } from "./protocol.ts";

/** Where the file is; spread it into the table. */
export const fileMetadata = {
  path: text(
    "The database file, on a local disk, none that a network or a VM shares; relative to the component's own file when written there, else to the working directory.",
    {
      default: ".dapr/embedded.db",
      aliases: ["connectionString"],
    },
  ),
};

/** How topics are kept and read; spread it into the table. */
export const brokerMetadata = {
  initialOffset: choice(["oldest", "newest"])(
    "Where a group starts in a topic: stored the first time it reads it, so that nothing sent later is missed.",
    { default: "oldest" },
  ),
  partitions: number(
    "Partitions of a topic that is new, which keeps them. Order is kept in each: `1` keeps everything in sequence.",
    { default: 8 },
  ),
  synchronous: choice(["full", "normal"])(
    "`full`: what was answered with success survives a power cut; `normal`: a killed process only.",
    { default: "full" },
  ),
  maxSize: size(
    "Size of the file above which messages are refused; what everyone has taken is deleted first.",
    {
      default: 2 ** 30,
    },
  ),
  retention: duration(
    "How long messages are kept that every group has taken; without any group, all messages.",
    {
      default: 24 * 3_600_000,
    },
  ),
  retainMessages: number("At most so many of these are kept per partition.", {
    default: 100_000,
  }),
  sessionTimeout: durationMs(
    "How long a reader that has stalled keeps its partitions; those of a dead process are free within a second.",
    { default: 10_000 },
  ),
};

type Settings = MetadataValues<typeof fileMetadata & typeof brokerMetadata>;

/** Throws on a value that can't be used. */
export function checkSettings({
  path,
  partitions,
  sessionTimeout,
}: Settings): void {
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > 1024)
    throw new MetadataError(
      `sqlite error: metadata 'partitions': ${partitions} is not 1 to 1024`,
    );
  if (sessionTimeout < 500 || sessionTimeout > 300_000)
    throw new MetadataError(
      "sqlite error: metadata 'sessionTimeout': use 500ms to 5m",
    );
  if (path.includes(":memory:"))
    throw new MetadataError(
      "sqlite error: metadata 'path': a file is needed, sidecars share it",
    );
}

/** `space`: see {@link FileOptions}. */
export const fileOptions = (meta: Settings, space: string): FileOptions => ({
  space,
  fullSync: meta.synchronous === "full",
  maxSizeBytes: meta.maxSize,
  maxAgeMs: meta.retention,
  maxCount: meta.retainMessages,
});

/** A relative path starts at the component's file, so that sidecars started in different folders share one database. */
export function fileOf(items: readonly MetadataItem[], path: string): string {
  const item = items.find(({ name }) =>
    /^(path|connectionString)$/i.test(name),
  );
  // A component from a cluster has no file.
  const folder = item?.at && item.at.line > 0 ? dirname(item.at.file) : ".";
  return resolve(folder, path.replace(/^file:/, ""));
}
