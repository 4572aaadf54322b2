/**
 * What a resource and a component are. Nothing here knows HTTP, YAML or any
 * client library.
 */
import type { Position } from "../shared/position.ts";
import type { Logger } from "../shared/log.ts";
import type {
  MetadataItem,
  MetadataTable,
  MetadataValues,
} from "./metadata.ts";

/** A `kind: Component` document after parsing and filtering. */
export interface ComponentResource {
  name: string;
  /** Lower-case type, e.g. `bindings.kafka`. */
  type: string;
  /** As written; empty when absent. */
  version: string;
  metadata: MetadataItem[];
  ignoreErrors: boolean;
  initTimeoutMs: number;
  scopes: string[];
  secretStore?: string;
  at?: Position;
}

/** What a component gets when it is opened. `meta` is typed by its metadata table. */
export interface OpenContext<T extends MetadataTable = MetadataTable> {
  name: string;
  appId: string;
  meta: MetadataValues<T>;
  /** Every item as written, for components that pass unknown keys on. */
  items: readonly MetadataItem[];
  /** The sidecar's environment. */
  env: Readonly<Record<string, string | undefined>>;
  log: Logger;
  /** What this binding is used for (the component's `direction`); both unless restricted. */
  directions: { input: boolean; output: boolean };
}

/** What every component can do. */
export interface Closable {
  close(): Promise<void>;
}

/** A component type with the table of its metadata and how to open one. */
export interface ComponentDefinition<C extends Closable = Closable> {
  /** e.g. `bindings.kafka` */
  type: string;
  /** Versions it answers to; `["v1"]` also serves an empty version and `v0`. */
  versions: string[];
  metadata: MetadataTable;
  /** Prefix of a metadata error, if the original has one: `kafka error: `. */
  errorPrefix?: string;
  /**
   * Opens the component. Throws on bad metadata. A server that is only late is
   * not an error: connect in the background and keep trying.
   */
  open(context: OpenContext): Promise<C>;
  /** Throws what {@link open} would throw of the settings alone. Reaches out to nothing, and changes nothing. */
  check?(context: OpenContext): void;
}

/**
 * How drivers of one kind are written: its open function gets the metadata that
 * its table describes, typed. Generics stop here.
 */
export const definer =
  <C extends Closable>() =>
  <T extends MetadataTable>(
    type: string,
    metadata: T,
    open: (context: OpenContext<T>) => Promise<C>,
    {
      check,
      ...more
    }: {
      versions?: string[];
      errorPrefix?: string;
      check?: (context: OpenContext<T>) => void;
    } = {},
  ): ComponentDefinition<C> => ({
    type,
    versions: ["v1"],
    metadata,
    ...more,
    open: open as unknown as ComponentDefinition<C>["open"],
    ...(check && { check: check as NonNullable<ComponentDefinition["check"]> }),
  });
