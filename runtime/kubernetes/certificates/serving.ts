/** A program's own serving certificate. It is renewed at half of its lifetime and whenever the authority changes. */
import { openTrustBundle, type TrustContext } from "./trust-bundle.ts";
import { delay } from "../../shared/timers.ts";

export interface ServingCertificate {
  /** PEM: leaf and issuer. */
  certificate: string;
  key: string;
  /** The PEM with which others verify it. */
  root: string;
}

export interface ServingOptions extends TrustContext {
  uri: string;
  dnsNames: string[];
  /** Called with each new certificate, the first one included. */
  use: (serving: ServingCertificate) => void;
}

const validMs = 24 * 3_600_000;
const lookMs = 30_000;

/**
 * Looks after the certificate until `stop`. Resolves with the first one in use. As long as Kubernetes
 * refuses, it tries again and logs why.
 */
export async function keepServing(options: ServingOptions): Promise<{
  /** Checks at once whether the authority has changed. */
  look(): Promise<void>;
  stop(): void;
}> {
  let inUse: { root: string; issuer: string; renewAt: number } | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const look = async () => {
    const bundle = await openTrustBundle(options);
    const { root, issuer, issuerKey } = bundle;
    const same = inUse?.root === root && inUse.issuer === issuer;
    if (inUse && same && Date.now() < inUse.renewAt) return;
    const { certificate, key } = await options.issue({
      kind: "serving",
      issuer: { certificate: issuer, key: issuerKey },
      uri: options.uri,
      dnsNames: options.dnsNames,
      validMs,
    });
    if (inUse)
      options.log.info(
        same
          ? "renewed the serving certificate"
          : "the certificate authority changed: serving with a new certificate",
      );
    inUse = { root, issuer, renewAt: Date.now() + validMs / 2 };
    options.use({ certificate, key, root });
  };

  for (let waitMs = 250; ; waitMs = Math.min(waitMs * 2, 5_000)) {
    try {
      await look();
      break;
    } catch (error) {
      options.log.warn(
        `no serving certificate yet: ${(error as Error).message}; trying again in ${waitMs} ms`,
      );
      await delay(waitMs);
    }
  }
  const again = () => {
    timer = setTimeout(() => {
      look()
        .catch((error: Error) =>
          options.log.warn(
            `could not look after the serving certificate: ${error.message}`,
          ),
        )
        .finally(() => {
          if (!stopped) again();
        });
    }, lookMs);
  };
  again();
  return {
    look,
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
