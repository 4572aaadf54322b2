/** bindings.localstorage: files below one folder (docs/protocol/bindings.md). */
import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import {
  lstat,
  mkdir,
  open,
  readdir,
  rmdir,
  stat,
  unlink,
} from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import {
  defineBinding,
  type BindingRequest,
  type BindingResponse,
} from "../../../contracts/binding.ts";
import { encode } from "../../../shared/json/go-json.ts";
import { MetadataError, text } from "../../../contracts/metadata.ts";
import { isFresh, replaceFile } from "../../../shared/files/replace-file.ts";
import { confine, resolveRoot } from "./confine.ts";
import { explained } from "./errors.ts";

const metadata = {
  rootPath: text(
    "The folder; a relative path starts at the sidecar's working directory. It is made if missing.",
    { required: true, missing: "property rootPath must not be empty" },
  ),
};

/** If a link or a pipe has replaced the file since the check, it is not opened. */
const carefully =
  constants.O_RDONLY |
  (constants.O_NOFOLLOW ?? 0) |
  (constants.O_NONBLOCK ?? 0);

type Operation = (
  root: string,
  request: BindingRequest,
) => Promise<BindingResponse | undefined>;

const operations: Record<string, Operation> = {
  async create(root, { metadata, data }) {
    const path = await pathOf(root, metadata["fileName"] || randomUUID());
    await mkdir(dirname(path), { recursive: true });
    await replaceFile(path, content(data), { isPrecious: true });
    const fileName = relative(root, path).split(sep).join("/");
    return { data: Buffer.from(encode({ fileName })) };
  },

  async get(root, { metadata }) {
    const path = await pathOf(root, metadata["fileName"]);
    const file = await open(path, carefully).catch(
      (error: NodeJS.ErrnoException) => {
        throw error.code === "ENOENT"
          ? new Error(`file not found: ${path}`)
          : error;
      },
    );
    try {
      if (!(await file.stat()).isFile()) throw new Error(`not a file: ${path}`);
      return { data: await file.readFile() };
    } finally {
      await file.close();
    }
  },

  async list(root, { metadata }) {
    const folder = await pathOf(root, metadata["fileName"] ?? "", "folder");
    if (!(await stat(folder)).isDirectory())
      throw new Error(
        `unable to list files as the file specified is not a directory: ${folder}`,
      );
    const files = await filesBelow(folder);
    return { data: Buffer.from(encode(files.length > 0 ? files : null)) };
  },

  async delete(root, { metadata }) {
    const path = await pathOf(root, metadata["fileName"]);
    await ((await lstat(path)).isDirectory() ? rmdir(path) : unlink(path));
    return undefined;
  },
};

export const localstorage = defineBinding(
  "bindings.localstorage",
  metadata,
  async ({ meta, items }) => {
    let root: string;
    try {
      root = resolveRoot(meta.rootPath);
      await mkdir(root, { recursive: true });
    } catch (error) {
      throw new MetadataError(
        (error as Error).message,
        items.find(({ name }) => name.toLowerCase() === "rootpath")?.at,
      );
    }
    return {
      operations: ["create", "get", "list", "delete"],
      async invoke(request) {
        try {
          return await operations[request.operation]!(root, request);
        } catch (error) {
          throw explained(error, request.metadata["fileName"] ?? "");
        }
      },
      async close() {},
    };
  },
);

/** Rejects if a name is missing where there must be one, or leaves the root. */
async function pathOf(
  root: string,
  name: string | undefined,
  kind: "file" | "folder" = "file",
): Promise<string> {
  const path = await confine(root, name ?? "");
  if (kind === "file" && path === root)
    throw new Error("the request's metadata names no file: give fileName");
  return path;
}

/** Absolute paths in the order of their names; links are listed, not followed. */
async function filesBelow(folder: string): Promise<string[]> {
  const files: string[] = [];
  const entries = await readdir(folder, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) files.push(...(await filesBelow(path)));
    else if (!isFresh(entry.name)) files.push(path);
  }
  return files;
}

/** Whether it consists of whole groups of four, the last one padded. A pattern with a group for each would need a stack as long as the text. */
function isBase64(line: string): boolean {
  if (line.length % 4 !== 0) return false;
  const filled = line.endsWith("==") ? 2 : line.endsWith("=") ? 1 : 0;
  return !/[^A-Za-z0-9+/]/.test(line.slice(0, line.length - filled));
}

/**
 * A JSON string loses its quotes. If it is valid Base64 it is then decoded, as
 * in the original. A number or `true` may look like Base64 but is not decoded. A
 * null record is an empty file.
 */
function content(data: Uint8Array | undefined): Uint8Array {
  if (!data) return new Uint8Array(0);
  let bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (bytes[0] !== 0x22) return data;
  try {
    bytes = Buffer.from(JSON.parse(bytes.toString("utf8")) as string);
  } catch {
    return data; // it only begins like a JSON string
  }
  const line = bytes.toString("latin1").replace(/[\r\n]/g, "");
  return isBase64(line) ? Buffer.from(line, "base64") : bytes;
}
