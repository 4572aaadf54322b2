/** A file system of a few megabytes that a test can fill and empty again. */
import { execFileSync } from "node:child_process";
import {
  closeSync,
  mkdtempSync,
  openSync,
  rmdirSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SmallDisk {
  folder: string;
  /** Fills the disk to its last byte. */
  fill(): void;
  free(): void;
  remove(): void;
}

/** Why a small disk cannot be mounted here; undefined if it can. */
export function smallDiskProblem(): string | undefined {
  if (process.platform !== "linux") return "only Linux mounts a tmpfs";
  if (process.getuid!() !== 0) return "mounting takes root";
  try {
    mountSmallDisk(1).remove();
    return undefined;
  } catch (error) {
    return `a tmpfs can't be mounted: ${(error as Error).message.trim()}`;
  }
}

export function mountSmallDisk(megabytes: number): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), "daprd-disk-"));
  const filler = join(folder, "filler");
  execFileSync(
    "mount",
    ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", folder],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  return {
    folder,
    fill() {
      const file = openSync(filler, "a");
      const block = Buffer.alloc(4096);
      try {
        for (;;) writeSync(file, block);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(filler, { force: true }),
    remove() {
      execFileSync("umount", ["--lazy", folder]);
      rmdirSync(folder);
    },
  };
}
