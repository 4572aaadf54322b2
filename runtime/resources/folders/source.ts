/** Resources in folders, as a sidecar on a machine of its own has them: read at the start, and again when a file changes. */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { HttpEndpoint } from "../../contracts/invocation.ts";
import type { Logger } from "../../shared/log.ts";
import { messageOf } from "../../shared/message-of.ts";
import { selectComponents } from "../kinds/component.ts";
import { selectHttpEndpoints } from "../kinds/http-endpoint.ts";
import { selectResiliencies } from "../kinds/resiliency.ts";
import { selectSubscriptions } from "../kinds/subscription.ts";
import { tellKind } from "../other-kinds.ts";
import type { SecretSource } from "../secret-refs.ts";
import type { ResourceChanges, ResourceSource } from "../source.ts";
import { where } from "../../shared/position.ts";
import { toldOnce } from "../told-once.ts";
import { readDocuments, YamlError, type Value } from "../values/yaml.ts";
import { openConfigurationFiles } from "./configuration-files.ts";
import { textsIn } from "./files.ts";
import { silent } from "../silent.ts";
import { watchFolders } from "./watch.ts";

type Documents = (Value | YamlError)[];

interface Reading {
  text: string;
  documents: Documents;
}

export interface FoldersOptions {
  appId: string;
  folders: string[];
  configurationFiles: readonly string[];
  /** The folders are read again so often, changed or not. */
  relistMs: number;
  env: Record<string, string | undefined>;
  log: Logger;
  /** Aborts when the start is called off; then reading rejects. */
  signal: AbortSignal;
}

/** Rejects, with file and line, on a mistake with which a sidecar should not start. */
export function openFolders(options: FoldersOptions): ResourceSource {
  const { folders, configurationFiles, relistMs, signal } = options;
  const log = toldOnce(options.log);
  const configurations = openConfigurationFiles(options);
  /** By file. */
  let readings = new Map<string, Reading>();
  /** The text of each file when it was last looked at, taken or not. */
  const seen = new Map<string, string>();
  let denied: readonly string[] = [];
  let isFollowed = true;
  let secrets: SecretSource | undefined;
  let stopWatching: (() => void) | undefined;
  /** Set with {@link ResourceSource.follow}. */
  let changes: ResourceChanges | undefined;
  let endpoints = new Map<string, HttpEndpoint>();
  let lacksSecrets = false;
  /** The last reading's mistakes, so that each is told once. */
  const mistakes = new Map<string, string>();
  let reading: Promise<void> | undefined;
  let telling = Promise.resolve();
  let isStale = false;

  async function read(): Promise<void> {
    log.pass();
    const found: typeof readings = new Map();
    for (const folder of folders)
      for (const { file, text } of textsIn(folder, log)) {
        const whole = await lastWhole(file, text);
        if (whole) found.set(file, whole);
        // Signals are heard between two turns.
        await nextTurn();
        signal.throwIfAborted();
      }
    readings = found;
    for (const document of all())
      if (!(document instanceof YamlError))
        tellKind(document, configurationFiles, log);
  }

  /** A file that was whole and is broken now stays what it was: half of it is not what anybody wants. */
  async function lastWhole(
    file: string,
    text: string | undefined,
  ): Promise<Reading | undefined> {
    const before = readings.get(file);
    if (text !== undefined && text !== seen.get(file)) {
      seen.set(file, text);
      forget(file);
    }
    if (text === undefined || text === before?.text) return before;
    const now = { text, documents: readDocuments(text, file) };
    const hints = new Set<string>();
    const problem =
      before && !(await problemOf(before.documents))
        ? await problemOf(now.documents, hints)
        : undefined;
    if (problem === undefined) return now;
    log.warn(
      `a changed file is not taken: ${problem}; what is loaded from it stays until it is mended`,
    );
    for (const hint of hints) log.warn(hint);
    return before;
  }

  /** Of a file that has changed each mistake is news. */
  function forget(file: string) {
    log.forget(file);
    for (const [what, message] of mistakes)
      if (message.includes(`${file}:`)) mistakes.delete(what);
  }

  /** Why documents can't all be read. What is told beside it is added to `hints`. */
  async function problemOf(
    of: Documents,
    hints = new Set<string>(),
  ): Promise<string | undefined> {
    const broken = of.find((one) => one instanceof YamlError);
    if (broken) return `${broken.message} (${where(broken.at)})`;
    let problem: string | undefined;
    const malformed = new Set<string>();
    const looking = {
      ...options,
      log: {
        ...silent,
        warn(line: string) {
          // It is the problem, or comes up once that is mended.
          if (![...malformed].some((why) => line.includes(why)))
            hints.add(line);
        },
      },
      onMalformed(why: string) {
        problem ??= why;
        malformed.add(why);
      },
    };
    for (const document of of) {
      selectComponents([document], looking);
      selectSubscriptions([document], looking);
    }
    await selectResiliencies(of, {
      ...looking,
      onWrong: (why) => (problem ??= why),
    });
    return problem;
  }

  const all = () =>
    [...readings.values()].flatMap(({ documents }) => documents);
  const components = () => selectComponents(all(), { ...options, log, denied });

  const resiliencies = () => selectResiliencies(all(), { ...options, log });
  const subscriptions = () => selectSubscriptions(all(), { ...options, log });

  async function httpEndpoints() {
    lacksSecrets = false;
    endpoints = await selectHttpEndpoints(all(), {
      ...options,
      log,
      secrets: secrets!,
      whenLacking(name) {
        lacksSecrets = true;
        return endpoints.get(name);
      },
    });
    return endpoints;
  }

  function onChange(): void {
    isStale = true;
    if (!changes) return;
    reading ??= (async () => {
      while (isStale) {
        isStale = false;
        await readAgain();
      }
      reading = undefined;
    })();
  }

  /** Endpoints follow once the components are tried: their secrets come from them. */
  const readAgain = () =>
    taken("components", async () => {
      await read();
      changes?.resiliencies(await resiliencies());
      const opening = changes?.components(components());
      telling = Promise.all([opening, telling]).then(tellEndpoints);
      await taken("subscriptions", async () =>
        changes?.subscriptions(subscriptions()),
      );
    });

  const tellEndpoints = () =>
    taken("endpoints", async () => {
      if (changes) changes.httpEndpoints(await httpEndpoints());
    });

  /** Runs a step of a reading; a mistake in the files is told once and leaves what is loaded. */
  async function taken(what: string, step: () => Promise<void>): Promise<void> {
    try {
      await step();
      mistakes.delete(what);
    } catch (error) {
      const message = messageOf(error);
      if (message !== mistakes.get(what) && !signal.aborted)
        options.log.error(
          `changed resources are not taken: ${message}; what is loaded stays until this is mended`,
        );
      mistakes.set(what, message);
    }
  }

  return {
    isPatient: false,
    async configuration() {
      const found = configurations.load();
      denied = found.deniedComponents;
      isFollowed = !found.disabledFeatures.includes("HotReload");
      return found;
    },
    async components() {
      await read();
      if (isFollowed) {
        if (folders.length > 0)
          stopWatching = watchFolders(folders, relistMs, options.log, onChange);
        configurations.follow();
      }
      return components();
    },
    resiliencies,
    httpEndpoints(source) {
      secrets = source;
      return httpEndpoints();
    },
    async subscriptions() {
      return subscriptions();
    },
    follow(to) {
      changes = to;
      configurations.tell(to.configuration);
      // What changed since the first reading.
      if (isStale) onChange();
    },
    opened() {
      if (changes && lacksSecrets) telling = telling.then(tellEndpoints);
    },
    unfollow() {
      stopWatching?.();
      configurations.unfollow();
      changes = undefined;
      isStale = false;
    },
    async close() {
      this.unfollow();
      await reading;
    },
  };
}
