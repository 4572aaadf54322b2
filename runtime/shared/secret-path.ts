/** Whether a method that is invoked may be the secrets API of another sidecar. */

/** Escapes of escapes: each sidecar on the way reads one layer. */
const mostLayers = 4;

/**
 * `path`: with or without its query. In doubt it is: what is hidden from a watcher costs less than a secret that is shown. So it
 * is any path with a version of the API and `secrets` behind it, and one with more layers of escapes than anybody needs.
 */
export function mayBeSecretsPath(path: string): boolean {
  let text = path.split("?", 1)[0]!;
  for (let layer = 0; layer < mostLayers; layer++) {
    const read = text.replace(/%([\da-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(parseInt(hex, 16)),
    );
    if (read === text) return hasSecrets(text);
    text = read;
  }
  return true;
}

function hasSecrets(text: string): boolean {
  const segments = text.toLowerCase().split(/[/\\?]/);
  const version = segments.findIndex((segment) => /^v\d/.test(segment));
  return version >= 0 && segments.indexOf("secrets", version) >= 0;
}
