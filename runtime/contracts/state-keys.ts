/** How an app's key becomes the store's, so that apps do not overwrite each other (docs/protocol/state.md). */
import type { MetadataItem } from "./metadata.ts";
import { MetadataError } from "./metadata.ts";

const separator = "||";

export interface KeyOwner {
  appId: string;
  /** Empty when there is none. */
  namespace: string;
  store: string;
}

/** What is put before every key: `nodeapp||`, or nothing. Throws {@link MetadataError}. */
export function keyPrefix(
  metadata: readonly MetadataItem[],
  { appId, namespace, store }: KeyOwner,
): string {
  const item = metadata.find(({ name }) => name.toLowerCase() === "keyprefix");
  const strategy = (item?.value || "appid").toLowerCase();
  if (!isLegalKey(strategy))
    throw refusal(
      item!,
      `input key/keyPrefix '${item!.value}' can't contain '||'`,
    );
  switch (strategy) {
    case "none":
      return "";
    case "name":
      return store + separator;
    case "appid":
      return appId + separator;
    case "namespace":
      return `${namespace ? `${namespace}.` : ""}${appId}${separator}`;
    default:
      return strategy + separator;
  }
}

export const isLegalKey = (key: string): boolean => !key.includes(separator);

/** Whether a key is one that the app of this prefix may have saved. */
export const isOwnKey = (key: string, prefix: string): boolean =>
  key.startsWith(prefix) && !key.includes(separator, prefix.length);

/** The key as its app knows it: the second part. */
export const originalKey = (key: string): string =>
  key.split(separator)[1] ?? key;

/** An error that says what is wrong with a property, and where. */
export const refusal = ({ name, at }: MetadataItem, why: string) =>
  new MetadataError(`metadata '${name}': ${why}`, at);
