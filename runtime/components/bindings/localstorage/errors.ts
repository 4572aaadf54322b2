/** What the file system's refusals mean for a request. */

/** A sentence about the file. Any other error stays as it is. */
export function explained(error: unknown, fileName: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  const sentence = code && sentences[code];
  return sentence
    ? new Error(`${sentence.replace("%s", () => quoted(fileName))} (${code})`, {
        cause: error,
      })
    : error;
}

/** The root itself has no name. */
const quoted = (name: string) =>
  name === ""
    ? "folder of rootPath"
    : JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);

const sentences: Record<string, string | undefined> = {
  ENOENT: "there is no %s",
  ENOTDIR:
    "fileName %s leads through a file: what stands before a / must be a folder",
  EISDIR: "%s is a folder, not a file",
  ENOTEMPTY: "the folder %s is not empty; delete what is in it first",
  ENAMETOOLONG:
    "fileName %s is too long for the file system; most take 255 bytes between two /",
  EACCES: "the sidecar's user has no right to %s",
  EPERM: "the sidecar's user has no right to %s",
  EROFS: "%s is on a file system that is only read",
  ENOSPC: "the disk is full; free space there",
};
