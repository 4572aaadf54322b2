/** The pods of apps in one namespace: their state and their logs. */
import { join } from "node:path";
import { eventually, getJson, kubectl, root } from "./cluster.ts";

export interface Pod {
  metadata: {
    name: string;
    uid: string;
    deletionTimestamp?: string;
    labels?: Record<string, string>;
  };
  spec: { containers: { name: string }[] };
  status: {
    containerStatuses?: ContainerStatus[];
  };
}

export interface ContainerStatus {
  name: string;
  ready: boolean;
  restartCount: number;
  state: { running?: object };
  lastState: { terminated?: { message?: string } };
}

export const containersOf = (pod: Pod | undefined): string =>
  pod?.spec.containers.map(({ name }) => name).join() ?? "";

/** How often each container was restarted, e.g. `{ node: 0, daprd: 1 }`. */
export const restartsOf = ({ status }: Pod): Record<string, number> =>
  Object.fromEntries(
    (status.containerStatuses ?? []).map(({ name, restartCount }) => [
      name,
      restartCount,
    ]),
  );

const isReady = ({ spec, status }: Pod) =>
  status.containerStatuses?.length === spec.containers.length &&
  status.containerStatuses.every((container) => container.ready);

export type Pods = ReturnType<typeof podsIn>;

/** The pods of an app are those with its label `app`. */
export function podsIn(namespace: string) {
  const inIt = ["-n", namespace];
  /** The app's pods that are not terminating. */
  const of = (app: string): Pod[] =>
    getJson(...inIt, "pods", "-l", `app=${app}`).items.filter(
      ({ metadata }: Pod) => !metadata.deletionTimestamp,
    );
  /** The log of the app's pod. Empty before the container runs. */
  const log = (app: string, container: string): string => {
    const pod = of(app)[0]?.metadata.name;
    if (!pod) return "";
    try {
      return kubectl([...inIt, "logs", pod, "-c", container]);
    } catch (error) {
      if (
        /waiting to start|is not valid for pod/.test((error as Error).message)
      )
        return "";
      throw error;
    }
  };
  return {
    namespace,
    of,
    log,
    isReady,
    kubectl: (args: string[], input?: string) =>
      kubectl([...inIt, ...args], input),
    /** Applies files of the folder `deploy`. */
    deploy: (...files: string[]) =>
      kubectl([
        ...inIt,
        "apply",
        ...files.flatMap((file) => ["-f", join(root, "deploy", file)]),
      ]),
    /** Resolves with the app's pods once there are so many. */
    when: (app: string, count: number) =>
      eventually(`${count} pods of ${app}`, () => {
        const found = of(app);
        return found.length === count ? found : undefined;
      }),
    /** Resolves with the app's pod once all its containers are ready, the sidecar among them. */
    ready: (app: string) =>
      eventually(`${app} to be 2/2`, () =>
        of(app).find((pod) => isReady(pod) && /daprd/.test(containersOf(pod))),
      ),
    logged: (app: string, container: string, text: string) =>
      eventually(`"${text}" in the log of ${app}'s ${container}`, () =>
        log(app, container).includes(text),
      ).catch((error: Error) => {
        throw new Error(
          `${error.message}; it said:\n${log(app, container).slice(-4000)}`,
        );
      }),
  };
}
