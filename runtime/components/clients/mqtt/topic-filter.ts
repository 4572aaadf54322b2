/** Which topics a subscription is for: MQTT's filters with `+`, `#` and `$share`. */

/** The filter behind `$share/<group>/`, if it begins so. */
export const withoutGroup = (filter: string): string =>
  filter.startsWith("$share/")
    ? filter.slice(filter.indexOf("/", "$share/".length) + 1)
    : filter;

/** Whether a topic belongs to a filter without a group. */
export function matches(filter: string, topic: string): boolean {
  const wanted = filter.split("/");
  const levels = topic.split("/");
  // A wildcard does not stand for topics of the server itself.
  if (topic.startsWith("$") && /^[+#]/.test(filter)) return false;
  for (const [n, level] of wanted.entries()) {
    if (level === "#") return n === wanted.length - 1;
    if (n >= levels.length) return false;
    if (level !== "+" && level !== levels[n]) return false;
  }
  return wanted.length === levels.length;
}

/** Why it is no filter, or `undefined`. */
export function filterProblem(filter: string): string | undefined {
  const levels = withoutGroup(filter).split("/");
  if (levels.join("") === "" && levels.length === 1) return "it is empty";
  if (filter.startsWith("$share/") && !/^\$share\/[^/+#]+\/./s.test(filter))
    return "write $share/GROUP/TOPIC";
  if (levels.slice(0, -1).some((level) => level.includes("#")))
    return "# may only be the last level";
  if (levels.some((level) => level.length > 1 && /[+#]/.test(level)))
    return "+ and # may only be a whole level";
  return undefined;
}
