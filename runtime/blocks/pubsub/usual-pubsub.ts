/**
 * The first Dapr releases knew one message bus. Where an app names only a topic, its component is the only one there is,
 * or the one that is called as the tutorials called it. Undefined if that can't be told.
 */
export function usualPubSub(names: readonly string[]): string | undefined {
  if (names.length === 1) return names[0];
  return ["pubsub", "messagebus"].find((name) => names.includes(name));
}
