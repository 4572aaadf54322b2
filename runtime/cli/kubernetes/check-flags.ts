/** Checks values of flags that Kubernetes would refuse late, or misunderstand. */
import { CommandError } from "../command.ts";

/** A DNS label (RFC 1123). */
export function checkNamespace(name: string): void {
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name))
    throw new CommandError(
      `--namespace "${name}" can't be a namespace: its name is of lower-case letters, digits and "-", begins and ends with a letter or digit, and has at most 63 characters`,
    );
}

/** A namespace for the control plane. Its pods get no sidecars, so it can be neither `default`, where apps are and the installation is tried, nor one of Kubernetes' own. */
export function checkOwnNamespace(name: string): void {
  checkNamespace(name);
  if (name === "default" || name.startsWith("kube-"))
    throw new CommandError(
      `--namespace ${name} can't be the control plane's: pods beside it get no sidecar. Leave it out for dapr-system, or name another`,
    );
}

const mostSeconds = 86_400;

export function checkTimeout(seconds: number): void {
  if (seconds < 1 || seconds > mostSeconds)
    throw new CommandError(
      `--timeout ${seconds} is not a time to wait: give seconds from 1 to ${mostSeconds}`,
    );
}

/** `[REGISTRY/]NAME[:TAG][@DIGEST]`, checked so far that a slip shows. */
export function checkImage(image: string): void {
  if (
    !/^\w[\w.-]*(:\d+)?(\/[\w.-]+)*(:[\w.-]{1,128})?(@\w+:[0-9a-f]+)?$/i.test(
      image,
    )
  )
    throw new CommandError(
      `"${image}" can't be the name of an image: it is [REGISTRY/]NAME[:TAG], from --image, or --image-registry and --runtime-version`,
    );
}
