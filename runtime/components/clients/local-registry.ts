/**
 * The sidecars of this machine, one small file for each. It is written when the
 * sidecar's port is open, and removed when it ends. If the sidecar is killed, the
 * next reader sees that its process is gone, and removes the file.
 */
import { readdirSync, rmSync, watch, type FSWatcher } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../../shared/files/make-folder.ts";
import { replaceFile } from "../../shared/files/replace-file.ts";
import { readRegular } from "../../shared/files/read-regular.ts";
import type { Registration } from "../../contracts/name-resolver.ts";
import {
  isDead,
  thisProcess,
  type ProcessIdentity,
} from "./sqlite/live-process.ts";

/** A file's content: a sidecar and the process it is. */
export interface RegistryEntry extends Registration, ProcessIdentity {}

/** An entry has some hundred bytes. */
const maxEntryBytes = 16 * 1024;
const separator = "+"; // encodeURIComponent leaves none in a name

const prefixOf = (appId: string, namespace: string) =>
  [namespace, appId, ""].map(encodeURIComponent).join(separator);

export class LocalRegistry {
  readonly #folder: string;
  readonly #self = thisProcess();
  #own: string | undefined;
  #watcher: FSWatcher | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Rejects if the folder can't be written. */
  async add(registration: Registration): Promise<void> {
    makeFolder(this.#folder, 0o700);
    const { appId, namespace } = registration;
    const path = join(
      this.#folder,
      `${prefixOf(appId, namespace)}${process.pid}-${registration.port}.json`,
    );
    const entry: RegistryEntry = { ...registration, ...this.#self };
    this.#own = path;
    await replaceFile(path, JSON.stringify(entry), { mode: 0o600 });
    // It was closed meanwhile.
    if (this.#own !== path) rmSync(path, { force: true });
    this.#sweep();
  }

  /** Sidecars of the app on this machine; empty if there is no folder. Throws if it can't be read. */
  find(appId: string, namespace: string): RegistryEntry[] {
    const prefix = prefixOf(appId, namespace);
    const found: RegistryEntry[] = [];
    for (const name of this.#names()) {
      if (!name.startsWith(prefix)) continue;
      const entry = this.#read(name);
      if (!entry || entry.appId !== appId || entry.namespace !== namespace)
        continue;
      if (entry.machine === this.#self.machine) found.push(entry);
    }
    return found;
  }

  /** Whether the entry's process still runs, judged by its PID alone; takes some microseconds. */
  isRunning({ pid }: RegistryEntry): boolean {
    return isThere(pid);
  }

  /** Calls `onChange` when a sidecar comes or goes; false if the system can't tell. */
  watch(onChange: () => void): boolean {
    if (this.#watcher) return true;
    try {
      this.#watcher = watch(this.#folder, { persistent: false }, onChange);
    } catch {
      return false; // no folder yet, or no watches left: each look-up reads the folder
    }
    this.#watcher.on("error", () => {
      this.#watcher?.close();
      this.#watcher = undefined;
      onChange();
    });
    return true;
  }

  /** Removes this sidecar's own file. */
  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    if (this.#own) rmSync(this.#own, { force: true });
    this.#own = undefined;
  }

  #names(): string[] {
    try {
      return readdirSync(this.#folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }

  /** Removes the files of sidecars that were killed and have not been looked up since. */
  #sweep(): void {
    for (const name of this.#names()) {
      const pid = Number(/(?<!\d)(\d+)-\d+\.json$/.exec(name)?.[1]);
      if (pid > 0 && !isThere(pid)) this.#read(name);
    }
  }

  /** Undefined if the file is gone or is no entry, or if its process is gone; then the file is removed. */
  #read(name: string): RegistryEntry | undefined {
    const path = join(this.#folder, name);
    let entry: RegistryEntry;
    try {
      entry = JSON.parse(readRegular(path, maxEntryBytes)) as RegistryEntry;
    } catch {
      return undefined;
    }
    if (!isDead(entry, this.#self)) return entry;
    rmSync(path, { force: true });
    return undefined;
  }
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
