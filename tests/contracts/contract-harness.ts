/** The set-up of the binding contract's cases: instances, readers and processes, which are ended after each test. */
import type { Binding } from "../../runtime/contracts/binding.ts";
import type {
  Message,
  Deliver,
  StopReading,
} from "../../runtime/contracts/delivery.ts";
import { waitFor } from "../wait-for.ts";
import type { ProcessTask } from "./binding-process.ts";
import { openBinding } from "./open-component.ts";
import { startProcess } from "./start-process.ts";

export interface ContractSetup {
  /** Metadata of a component that writes to and reads from a new topic with at least two partitions, oldest first, in a new group. */
  metadata: Record<string, string>;
  /** Metadata that `open` refuses, and the error. */
  bad: { metadata: Record<string, string>; error: string | RegExp };
  dispose?(): Promise<void>;
}

export const text = (message: Message) => Buffer.from(message.data).toString();

export type Harness = ReturnType<typeof makeHarness>;

export function makeHarness(
  type: string,
  makeSetup: () => Promise<ContractSetup>,
) {
  let setup: ContractSetup;
  let cleanups: (() => Promise<unknown>)[] = [];

  beforeEach(async () => {
    setup = await makeSetup();
  });
  afterEach(async () => {
    for (const cleanup of cleanups.reverse()) await cleanup();
    cleanups = [];
    await setup.dispose?.();
  });

  const open = async (extra: Record<string, string> = {}) => {
    const binding = await openBinding(type, {
      metadata: { ...setup.metadata, ...extra },
    });
    cleanups.push(() => binding.close());
    return binding;
  };
  const read = async (
    binding: Binding,
    deliver: Deliver,
  ): Promise<StopReading> => {
    const stop = await binding.read!(deliver);
    let stopped: Promise<void> | undefined;
    const once = () => (stopped ??= stop());
    cleanups.push(once);
    return once;
  };
  /** Collects what arrives, as text. */
  const collect = async (binding: Binding) => {
    const seen: string[] = [];
    const stop = await read(binding, async (message) => {
      seen.push(text(message));
      return undefined;
    });
    return { seen, stop };
  };
  const send = (
    binding: Binding,
    data: string,
    metadata: Record<string, string> = {},
  ) =>
    binding.invoke!({
      operation: "create",
      data: Buffer.from(data),
      metadata,
    });
  const sendAll = async (binding: Binding, all: string[], key = "one") => {
    for (const data of all) await send(binding, data, { partitionKey: key });
  };
  const until = (what: string, condition: () => unknown) =>
    waitFor(what, condition);
  const startReader = (task: Partial<ProcessTask>) => {
    const child = startProcess({
      type,
      metadata: setup.metadata,
      role: "read",
      ...task,
    });
    cleanups.push(() => child.kill());
    return child;
  };
  /** A test of the contract. */
  const check = (name: string, run: () => Promise<void>) => test(name, run);

  return {
    type,
    setup: () => setup,
    open,
    read,
    collect,
    send,
    sendAll,
    until,
    startReader,
    check,
  };
}
