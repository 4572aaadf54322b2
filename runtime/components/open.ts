/** Opens one configured component: checks it, and limits its time. Any failure is the documented error (docs/protocol/resources.md). */
import type { Closable, ComponentResource } from "../contracts/component.ts";
import type { Explain } from "../contracts/hide-secrets.ts";
import { startTimer } from "../shared/timers.ts";
import { initFailure, readComponent, type OpenOptions } from "./check.ts";
import type { BuiltIn } from "./index.ts";

/** An open component. Whoever reports one of its errors passes it through `explain`, which hides secrets. */
export interface Opened<C extends Closable> {
  component: C;
  explain: Explain;
}

/** Opens a component of one category's list. Rejects with {@link ComponentError}. */
export async function openComponent<C extends Closable>(
  resource: ComponentResource,
  known: BuiltIn<C>[],
  options: OpenOptions,
): Promise<Opened<C>> {
  const { definition, context, explain } = await readComponent(
    resource,
    known,
    options,
  );
  // An error before its first promise counts as well.
  const opening = (async () => definition.open(context))();
  return { component: await withTimeout(opening, resource, explain), explain };
}

async function withTimeout<C extends Closable>(
  opening: Promise<C>,
  resource: ComponentResource,
  explain: Explain,
): Promise<C> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = startTimer(
      () =>
        reject(
          new Error(
            `init timeout for component ${resource.name} exceeded after ${resource.initTimeoutMs / 1000}s`,
          ),
        ),
      resource.initTimeoutMs,
    );
  });
  try {
    return await Promise.race([opening, late]);
  } catch (error) {
    // A component that opens after its time is closed again.
    opening.then((component) => component.close()).catch(() => {});
    throw initFailure(resource, error, explain);
  } finally {
    clearTimeout(timer);
  }
}
