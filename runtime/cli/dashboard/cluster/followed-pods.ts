/** Which pods are followed where there are many. */
import type { Pod } from "../../kubernetes/pods.ts";
import { whyUnreachable } from "./describe-pod.ts";

/** Each costs a kubectl, of up to 100 MB. */
export const mostFollowed = 30;

/** Those that can be reached; the ones of the namespace `home` first, then in the order given. */
export function followedAmong(
  pods: readonly Pod[],
  home: string,
): ReadonlySet<Pod> {
  const reachable = pods.filter((pod) => whyUnreachable(pod) === undefined);
  const isHome = ({ metadata }: Pod) => metadata.namespace === home;
  return new Set(
    [
      ...reachable.filter(isHome),
      ...reachable.filter((pod) => !isHome(pod)),
    ].slice(0, mostFollowed),
  );
}
