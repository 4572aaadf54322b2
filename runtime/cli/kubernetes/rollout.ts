/** Waits until a Deployment runs, and says early why it will not. */
import { CommandError } from "../command.ts";
import { kubectl, listObjects } from "./kubectl.ts";
import type { Pod } from "./pods.ts";

export interface Rollout {
  namespace: string;
  image: string;
  /** Date in milliseconds. */
  until: number;
}

/** Seconds for kubectl's `--timeout`: at least one, as 0 means for ever. */
export const secondsLeft = (until: number): number =>
  Math.max(1, Math.ceil((until - Date.now()) / 1000));

/** The pause between two looks at the pods. */
const lookMs = 1000;

/** Rejects with a {@link CommandError}: at once if the image cannot be pulled, else when the time is over. */
export async function rolledOut(name: string, rollout: Rollout): Promise<void> {
  const { namespace, image, until } = rollout;
  const stop = new AbortController();
  let reason: string | undefined;
  const podsOf = () => listObjects<Pod>("pods", { namespace }, `app=${name}`);
  await beginAnew(namespace, await podsOf());
  const look = async () => {
    reason = waitingReason(await podsOf(), image);
    if (isHopeless(reason)) stop.abort();
  };
  const looking = setInterval(() => {
    look().catch(() => {}); // the other question says what is wrong
  }, lookMs);
  try {
    await kubectl(
      [
        "rollout",
        "status",
        `deployment/${name}`,
        "-n",
        namespace,
        `--timeout=${secondsLeft(until)}s`,
      ],
      { signal: stop.signal },
    );
  } catch (error) {
    throw new CommandError(
      `${name} is not running: ${reason ?? (error as Error).message}. ` +
        (isHopeless(reason) || reason === "ErrImagePull"
          ? howToGet(image)
          : `See \`kubectl describe pods -n ${namespace} -l app=${name}\` and \`kubectl logs -n ${namespace} -l app=${name}\``),
    );
  } finally {
    clearInterval(looking);
  }
}

/** The kubelet asks for an image less and less often. A new pod asks at once, and the image may be there by now. */
async function beginAnew(namespace: string, pods: readonly Pod[]) {
  const stuck = pods
    .filter((pod) => isHopeless(reasonOf(pod)))
    .map(({ metadata }) => metadata.name);
  if (stuck.length > 0)
    await kubectl([
      "delete",
      "pod",
      ...stuck,
      "-n",
      namespace,
      "--now",
      "--ignore-not-found",
    ]);
}

const howToGet = (image: string) =>
  `The cluster can't get ${image}: load it (kind load docker-image, minikube image load, k3d image import)` +
  (image.startsWith("localhost/")
    ? " after `npm run images` has built it in a clone of the kit, or name one of a registry with --image"
    : "");

/** Why a pod with that image does not run, in the kubelet's word. Pods with another image are on their way out. */
export const waitingReason = (
  pods: readonly Pod[],
  image: string,
): string | undefined =>
  pods
    .filter(({ spec }) => spec.containers.some((one) => one.image === image))
    .map(reasonOf)
    .find((reason) => reason !== undefined && reason !== "ContainerCreating");

const reasonOf = ({ status }: Pod): string | undefined =>
  status.containerStatuses?.find(({ state }) => state?.waiting)?.state?.waiting
    ?.reason;

/** Reasons that mean: the kubelet has tried more than once, or knows that it can't succeed. */
const isHopeless = (reason: string | undefined): boolean =>
  reason !== undefined &&
  /^(ImagePullBackOff|ErrImageNeverPull|InvalidImageName)$/.test(reason);
