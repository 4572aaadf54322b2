/** Words for the structural schemas of CRDs (OpenAPI v3 as Kubernetes has it). */

export interface Schema {
  type?: string;
  format?: string;
  minLength?: number;
  description?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema;
  items?: Schema;
  required?: string[];
  enum?: string[];
  default?: unknown;
  "x-kubernetes-preserve-unknown-fields"?: true;
  "x-kubernetes-validations"?: { rule: string; message: string }[];
}

export const text = (description?: string): Schema => ({
  type: "string",
  ...(description ? { description } : {}),
});
export const choice = (...values: string[]): Schema => ({
  type: "string",
  enum: values,
});
export const bool: Schema = { type: "boolean" };
export const whole: Schema = { type: "integer", format: "int32" };
/** Any JSON value. */
export const any: Schema = { "x-kubernetes-preserve-unknown-fields": true };
export const anyObject: Schema = {
  type: "object",
  "x-kubernetes-preserve-unknown-fields": true,
};

export const list = (items: Schema): Schema => ({ type: "array", items });
export const map = (values: Schema): Schema => ({
  type: "object",
  additionalProperties: values,
});

/** A trailing `*` on a name makes the field required. */
export function object(
  fields: Record<string, Schema>,
  more: Partial<Schema> = {},
): Schema {
  const required = Object.keys(fields)
    .filter((name) => name.endsWith("*"))
    .map((name) => name.slice(0, -1));
  return {
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
