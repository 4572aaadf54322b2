/**
 * The bindings building block: what output and input bindings mean, whatever
 * protocol asks (docs/protocol/bindings.md).
 */
import {
  BindingError,
  type Binding,
  type BindingResponse,
} from "../../contracts/binding.ts";
import type { Call } from "../../contracts/call.ts";
import type { AppChannel } from "../../contracts/app-channel.ts";
import { ApiError } from "../../contracts/errors.ts";
import type { Run } from "../../contracts/run.ts";
import type { Logger } from "../../shared/log.ts";
import { createInputs, type NamedBinding } from "./inputs.ts";

export interface BindingsOptions {
  log: Logger;
  app: AppChannel | undefined;
  /** What is around each delivery of an input to the app. */
  inbound(name: string): Run;
  /** How long the app may take to say whether it wants an input. */
  probeTimeoutMs: number;
  /** Why a component is absent although the original has its type. */
  absence?(name: string): string | undefined;
}

export type Bindings = ReturnType<typeof createBindings>;

export function createBindings({
  log,
  app,
  inbound,
  probeTimeoutMs,
  absence,
}: BindingsOptions) {
  const byName = new Map<string, NamedBinding>();
  const inputs =
    app &&
    createInputs({
      log,
      app,
      inbound,
      probeTimeoutMs,
      create: (name, data) =>
        bindings.invoke(name, "create", data, {}, byApp()),
    });
  let isReading = false;

  const start = async (named: NamedBinding) => {
    if (named.directions.input && named.binding.read)
      await inputs?.start(named);
  };

  const bindings = {
    /** Replaces the one of the same name, which is read no more. */
    add(named: NamedBinding) {
      const old = byName.get(named.name);
      byName.set(named.name, named);
      if (old) void inputs?.stop(old);
      if (isReading) void start(named);
    },

    /** Removes it, unless another one has replaced it. Resolves once it is read no more. */
    async remove(name: string, binding: Binding): Promise<void> {
      const named = byName.get(name);
      if (named?.binding !== binding) return inputs?.stopped(name);
      byName.delete(name);
      await inputs?.stop(named);
    },

    /** Calls an output binding. Rejects with the documented {@link ApiError}; `undefined` means 204. */
    async invoke(
      name: string,
      operation: string,
      data: Uint8Array | undefined,
      metadata: Record<string, string>,
      call: Call,
    ): Promise<BindingResponse | undefined> {
      if (operation === "") throw new ApiError("bindingNoOperation", [name]);
      const named = byName.get(name);
      if (!named?.directions.output || !named.binding.invoke) {
        const because = absence?.(name);
        throw new ApiError("bindingNotFound", [name, name], { because });
      }
      const operations = named.binding.operations ?? [];
      if (!operations.includes(operation))
        throw new ApiError("bindingOperation", [
          name,
          name,
          operation,
          operations.join(" "),
        ]);
      try {
        return await named.binding.invoke({ operation, data, metadata }, call);
      } catch (error) {
        throw new ApiError(
          "invokeOutputBinding",
          [name, named.explain(error)],
          {
            cause: error,
            headers:
              error instanceof BindingError
                ? metadataHeaders(error.metadata)
                : undefined,
          },
        );
      }
    },

    /** Starts all inputs that the app wants, and those that are added later. Called when the app becomes healthy. Resolves once they are read. */
    async startReading(): Promise<void> {
      if (isReading) return;
      isReading = true;
      await Promise.all([...byName.values()].map(start));
    },

    /** Stops all inputs: takes nothing new, waits for what is in flight, and commits it. */
    async stopReading(): Promise<void> {
      isReading = false;
      await inputs?.stopAll();
    },

    /** What `/v1.0/metadata` says of a binding. */
    capabilities({ binding, directions }: NamedBinding): string[] {
      return [
        ...(binding.read && directions.input ? ["INPUT_BINDING"] : []),
        ...(binding.invoke && directions.output ? ["OUTPUT_BINDING"] : []),
      ];
    },
  };
  return bindings;
}

/** The app itself, by an answer of its own: it has nobody who could go away. */
const byApp = (): Call => ({
  door: "grpc",
  signal: () => new AbortController().signal,
});

/** A binding's metadata as the API answers it. */
export function metadataHeaders(
  metadata: Record<string, string> | undefined,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const key in metadata) headers[`metadata.${key}`] = metadata[key]!;
  return headers;
}
