/**
 * Throws if Kafka takes no topic of this name. A broker's refusal would not be
 * told from other errors of its moment, and would hold up the group's other topics.
 */
export function checkTopicName(name: string): void {
  if (/^[a-zA-Z0-9._-]{1,249}$/.test(name) && name !== "." && name !== "..")
    return;
  throw new Error(
    `kafka error: topic "${name.length > 60 ? `${name.slice(0, 60)}…` : name}" is no name that Kafka takes: 1 to 249 letters of a to z, digits, '.', '_' and '-'`,
  );
}
