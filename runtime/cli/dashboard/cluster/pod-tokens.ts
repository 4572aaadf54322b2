/** The tokens of a pod's sidecar: what lets the dashboard watch it, and call it. */
import { CommandError } from "../../command.ts";
import { kubectl, parseAnswer } from "../../kubernetes/kubectl.ts";
import type { Pod } from "../../kubernetes/pods.ts";
import { variableOf } from "./describe-pod.ts";

export interface PodTokens {
  /** Undefined if it has none, or it can't be read. */
  watchToken: string | undefined;
  /** Empty if it has none, or it can't be read. */
  apiToken: string;
  /** What the page says of those that are not there. */
  notes: string[];
  /** Nothing could not be read. */
  isWhole: boolean;
}

/** As the sidecar wants it; anything else can't be a header's value either. */
const watchTokenForm = /^[!-~]{32,}$/;

const howToWatch =
  'Its calls and messages are seen when its pod template has the annotation dapr.io/env-from-secret: "DAPR_WATCH_TOKEN=SECRET:KEY", where the key is a random text of at least 32 characters (or dapr.io/env: "DAPR_WATCH_TOKEN=TEXT").';

/** Never rejects: what can't be read is a note. */
export async function readTokens(pod: Pod): Promise<PodTokens> {
  const notes: string[] = [];
  let isWhole = true;
  const read = async (name: string, then: string) => {
    try {
      return await valueOf(pod, name);
    } catch (error) {
      isWhole = false;
      notes.push(`${then}: ${(error as Error).message}.`);
      return undefined;
    }
  };
  const [watchToken, apiToken] = await Promise.all([
    read("DAPR_WATCH_TOKEN", "Its calls and messages are not seen"),
    read("DAPR_API_TOKEN", "It refuses what the dashboard asks"),
  ]);
  if (variableOf(pod, "DAPR_WATCH_TOKEN") === undefined)
    notes.unshift(howToWatch);
  const isGood = watchToken === undefined || watchTokenForm.test(watchToken);
  if (!isGood)
    notes.unshift(
      "Its calls and messages are not seen: its DAPR_WATCH_TOKEN has to be at least 32 printable characters without blanks and line ends.",
    );
  return {
    watchToken: isGood ? watchToken : undefined,
    apiToken: apiToken ?? "",
    notes,
    isWhole,
  };
}

async function valueOf(pod: Pod, name: string): Promise<string | undefined> {
  const found = variableOf(pod, name);
  if (!found || "value" in found) return found?.value;
  const { secret } = found;
  const { namespace = "" } = pod.metadata;
  const where = `Secret ${secret.name} of namespace ${namespace}`;
  const text = await kubectl([
    "get",
    "secret",
    secret.name,
    "-n",
    namespace,
    "-o",
    "json",
    "--request-timeout=10s",
  ]).catch((error: Error) => {
    throw new CommandError(
      `${where}, which has its ${name}, can't be read: ${error.message}`,
    );
  });
  const { data } = parseAnswer<{ data?: Record<string, string> }>(text);
  const value = data?.[secret.key];
  if (value === undefined)
    throw new CommandError(`${where} has no key ${secret.key} for ${name}`);
  return Buffer.from(value, "base64").toString("utf8");
}
