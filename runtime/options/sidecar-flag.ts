/** The flags of `daprd`: what a value of each kind may be. */
import { parseDurationMs, parseQuantity } from "../shared/units.ts";

export interface SidecarFlag<T> {
  about: string;
  /** Throws on what is no such value. */
  parse: (value: string) => T;
  default: T;
  /** Takes no value: `--enable-api-logging` is `=true`. */
  boolean?: boolean;
  repeatable?: boolean;
  /** The capability is still to come: accepted, and named in the log when given. */
  later?: boolean;
  /** The newer flag that replaces it. */
  deprecated?: string;
}

export const later = { later: true };

export const text = (
  about: string,
  value = "",
  more: Partial<SidecarFlag<string>> = {},
): SidecarFlag<string> => ({
  about,
  parse: (v) => v,
  default: value,
  ...more,
});

export const flag = (
  about: string,
  value = false,
  more: Partial<SidecarFlag<boolean>> = {},
): SidecarFlag<boolean> => ({
  about,
  parse: (v) => {
    if (/^(1|t|true)$/i.test(v)) return true;
    if (/^(0|f|false)$/i.test(v)) return false;
    throw new Error(`invalid boolean value "${v}"`);
  },
  default: value,
  boolean: true,
  ...more,
});

/** Undefined unless given. */
export const flagOrUnset = (
  about: string,
): SidecarFlag<boolean | undefined> => ({
  ...flag(about),
  default: undefined,
});

/** The first of the values is the default. */
export const oneOf = (
  about: string,
  values: [string, ...string[]],
): SidecarFlag<string> => ({
  about,
  parse: (v) => {
    if (!values.includes(v))
      throw new Error(`it must be one of ${values.join(", ")}`);
    return v;
  },
  default: values[0],
});

/** The original's rule for protocols: in any case, and an empty one is the default. */
export const anyCase = (spec: SidecarFlag<string>): SidecarFlag<string> => ({
  ...spec,
  parse: (v) => (v === "" ? spec.default : spec.parse(v.toLowerCase())),
});

export const whole = (
  about: string,
  value: number,
  more: Partial<SidecarFlag<number>> = {},
): SidecarFlag<number> => ({
  about,
  parse: (v) => {
    if (!/^-?\d+$/.test(v)) throw new Error(`"${v}" is not a whole number`);
    return Number(v);
  },
  default: value,
  ...more,
});

export const port = (
  about: string,
  value: number,
  more: Partial<SidecarFlag<number>> = {},
): SidecarFlag<number> => ({
  about,
  parse: (v) => {
    const parsed = /^-?\d+$/.test(v) ? Number(v) : NaN;
    if (!(parsed >= -1 && parsed <= 65535))
      throw new Error(`"${v}" is not a port (0-65535)`);
    return parsed;
  },
  default: value,
  ...more,
});

export const bytes = (
  about: string,
  value: number,
  more: Partial<SidecarFlag<number>> = {},
): SidecarFlag<number> => ({
  about,
  parse: (v) => {
    const parsed = parseQuantity(v);
    if (parsed <= 0) throw new Error(`"${v}" is not more than 0`);
    return parsed;
  },
  default: value,
  ...more,
});

/** Milliseconds from a Go duration; a bare number is nanoseconds. */
export const time = (
  about: string,
  value: number | undefined,
  more: Partial<SidecarFlag<number | undefined>> = {},
): SidecarFlag<number | undefined> => ({
  about,
  parse: (v) => parseDurationMs(v, 1e-6),
  default: value,
  ...more,
});

export const list = (
  about: string,
  more: Partial<SidecarFlag<string[]>> = {},
): SidecarFlag<string[]> => ({
  about,
  parse: (v) => v.split(",").filter(Boolean),
  default: [],
  repeatable: true,
  ...more,
});
