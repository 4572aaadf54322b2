/** Words for the structural schemas of CRDs (OpenAPI v3 as Kubernetes has it). `kubectl explain` shows each description. */

interface Part {
  description?: string;
  type?: string;
  format?: string;
  minLength?: number;
  properties?: Record<string, Part>;
  additionalProperties?: Part;
  items?: Part;
  required?: string[];
  enum?: string[];
  default?: unknown;
  "x-kubernetes-preserve-unknown-fields"?: true;
  "x-kubernetes-validations"?: { rule: string; message: string }[];
}
/** The description of a field. Items of lists and values of maps are described with their list or map. */
export interface Schema extends Part {
  description: string;
}

export const text = (description: string): Schema => ({
  description,
  type: "string",
});
export const choice = (description: string, ...values: string[]): Schema => ({
  description,
  type: "string",
  enum: values,
});
export const bool = (description: string): Schema => ({
  description,
  type: "boolean",
});
export const whole = (description: string): Schema => ({
  description,
  type: "integer",
  format: "int32",
});
/** Any JSON value. */
export const any = (description: string): Schema => ({
  description,
  "x-kubernetes-preserve-unknown-fields": true,
});
export const anyObject = (description: string): Schema => ({
  description,
  type: "object",
  "x-kubernetes-preserve-unknown-fields": true,
});

export const list = (description: string, items: Part): Schema => ({
  description,
  type: "array",
  items,
});
export const texts = (description: string): Schema =>
  list(description, { type: "string" });
export const map = (description: string, values: Part): Schema => ({
  description,
  type: "object",
  additionalProperties: values,
});
export const textMap = (description: string): Schema =>
  map(description, { type: "string" });

/** A trailing `*` on a name makes the field required. */
export function object(
  description: string,
  fields: Record<string, Part>,
  more: Partial<Schema> = {},
): Schema {
  const required = Object.keys(fields)
    .filter((name) => name.endsWith("*"))
    .map((name) => name.slice(0, -1));
  return {
    description,
    type: "object",
    properties: Object.fromEntries(
      Object.entries(fields).map(([name, schema]) => [
        name.replace(/\*$/, ""),
        schema,
      ]),
    ),
    ...(required.length > 0 ? { required } : {}),
    ...more,
  };
}
