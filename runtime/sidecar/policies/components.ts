/** Components with something around each of their calls. They are components like any other to their block. */
import type { Binding } from "../../contracts/binding.ts";
import { DeliveryInterrupted, type Deliver } from "../../contracts/delivery.ts";
import type { SecretStore } from "../../contracts/secret-store.ts";
import type { StateStore } from "../../contracts/state-store.ts";
import { onlyFailed, type Around } from "./around.ts";

export function aroundStateStore(
  store: StateStore,
  around: Around,
): StateStore {
  const wrapped: StateStore = {
    features: store.features,
    get: (request, call) =>
      around("get", call, (call) => store.get(request, call)),
    set: (request, call) =>
      around("set", call, (call) => store.set(request, call)),
    delete: (request, call) =>
      around("delete", call, (call) => store.delete(request, call)),
    close: () => store.close(),
  };
  if (store.refuseKey) wrapped.refuseKey = (key) => store.refuseKey!(key);
  if (store.maxTransactionOperations !== undefined)
    wrapped.maxTransactionOperations = store.maxTransactionOperations;
  if (store.bulkGet)
    wrapped.bulkGet = (requests, call) =>
      around("bulk_get", call, (call) => store.bulkGet!(requests, call));
  if (store.bulkSet)
    wrapped.bulkSet = (requests, call) =>
      around(
        "set",
        call,
        onlyFailed(requests, (some, call) => store.bulkSet!(some, call)),
        hasFailure,
      );
  if (store.bulkDelete)
    wrapped.bulkDelete = (requests, call) =>
      around(
        "bulk_delete",
        call,
        onlyFailed(requests, (some, call) => store.bulkDelete!(some, call)),
        hasFailure,
      );
  if (store.transact)
    wrapped.transact = (operations, metadata, call) =>
      around("transaction", call, (call) =>
        store.transact!(operations, metadata, call),
      );
  if (store.query)
    wrapped.query = (query, metadata, keyPrefix, call) =>
      around("query", call, (call) =>
        store.query!(query, metadata, keyPrefix, call),
      );
  // Nobody's work waits for it: it is not counted, and no circuit breaker learns from it.
  if (store.keys)
    wrapped.keys = (prefix, after, limit, call) =>
      store.keys!(prefix, after, limit, call);
  return wrapped;
}

const hasFailure = (failures: (Error | undefined)[]) =>
  failures.some((failure) => failure !== undefined);

/** `deliver` is around each message on its way to the app. */
export function aroundBinding(
  binding: Binding,
  invoke: Around,
  deliver: (work: Deliver) => Deliver,
): Binding {
  const wrapped: Binding = { close: () => binding.close() };
  if (binding.operations) wrapped.operations = binding.operations;
  // The block has checked that the operation is one of these.
  if (binding.invoke)
    wrapped.invoke = (request, call) =>
      invoke(request.operation, call, (call) => binding.invoke!(request, call));
  if (binding.read) wrapped.read = (toApp) => binding.read!(deliver(toApp));
  return wrapped;
}

/** A delivery that is called off was none. */
export const aroundDeliveries =
  (observe: ((isSuccess: boolean, ms: number) => void) | undefined) =>
  (toApp: Deliver): Deliver => {
    if (!observe) return toApp;
    return async (message) => {
      const started = performance.now();
      try {
        const answer = await toApp(message);
        observe(true, performance.now() - started);
        return answer;
      } catch (error) {
        if (!(error instanceof DeliveryInterrupted))
          observe(false, performance.now() - started);
        throw error;
      }
    };
  };

export const aroundSecretStore = (
  store: SecretStore,
  around: Around,
): SecretStore => ({
  features: store.features,
  get: (name, metadata, call) =>
    around("get", call, (call) => store.get(name, metadata, call)),
  bulk: (metadata, call) =>
    around("bulk_get", call, (call) => store.bulk(metadata, call)),
  close: () => store.close(),
});
