/** What a command sends: `--data`, or the contents of `--data-file`. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { CommandError, type FlagTable, type FlagValues } from "./command.ts";

export const payloadFlags = {
  data: { type: "string", short: "d", about: "The JSON data to send" },
  "data-file": {
    type: "string",
    short: "f",
    takes: "file",
    about: "A file with the JSON data to send",
  },
} as const satisfies FlagTable;

export const socketFlag = {
  "unix-domain-socket": {
    type: "string",
    short: "u",
    takes: "folder",
    about: "The folder of the sidecar's socket, if it listens on one",
  },
} as const satisfies FlagTable;

/** Throws a CommandError. `name`: the command's. */
export async function readPayload(
  name: string,
  { data, "data-file": file }: FlagValues<typeof payloadFlags>,
): Promise<Buffer> {
  if (data && file)
    throw new CommandError(
      `Only one of --data and --data-file allowed in the same ${name} command`,
    );
  if (!file) return Buffer.from(data);
  try {
    return await readFile(resolve(file));
  } catch (error) {
    throw new CommandError(
      `Error reading payload from '${file}'. Error: ${(error as Error).message}`,
    );
  }
}
