/** A form that sends one request through the app's sidecar, with the answer below it. */
import { useId, useState } from "preact/hooks";
import type { App, CallAnswer } from "../../messages.ts";
import { callApi } from "../api.ts";
import { pretty, statusText } from "../body-text.ts";
import { view } from "../view.ts";
import type { FormRequest } from "./requests.ts";

export interface Field {
  name: string;
  label: string;
  /** What it holds at first. */
  value?: string;
  /** It is one of these. */
  choices?: string[];
  /** It may be one of these. */
  hints?: string[];
  isLong?: boolean;
  required?: boolean;
}

interface Props {
  app: App;
  title: string;
  /** What its button says. */
  verb: string;
  fields: Field[];
  /** Throws what is to be told about what was typed. */
  request(typed: Record<string, string>): FormRequest;
}

type Outcome = { answer: CallAnswer } | { error: string } | "waiting";

export function RequestForm({ app, title, verb, fields, request }: Props) {
  const id = useId();
  const [outcome, setOutcome] = useState<Outcome>();
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    setOutcome("waiting");
    try {
      const typed = Object.fromEntries(form) as Record<string, string>;
      setOutcome({ answer: await callApi(app, request(typed)) });
    } catch (error) {
      setOutcome({ error: (error as Error).message });
    }
  };
  return view`<form class="card" aria-labelledby=${id} onSubmit=${submit}>
    <h3 id=${id}>${title}</h3>
    ${fields.map((field) => view`<${Input} key=${field.name} field=${field} />`)}
    <button type="submit" disabled=${outcome === "waiting"}>${verb}</button>
    <div role="status">${outcome && view`<${Told} outcome=${outcome} />`}</div>
  </form>`;
}

function Input({ field }: { field: Field }) {
  const id = useId();
  const { name, label, value = "", choices, hints, isLong, required } = field;
  // Uncontrolled: what was typed stays when the list of apps changes.
  if (choices)
    return view`<label>${label}<select name=${name}>${choices.map((choice) => view`<option key=${choice}>${choice}</option>`)}</select></label>`;
  if (isLong)
    return view`<label>${label}<textarea name=${name} rows="3" spellcheck=${false} defaultValue=${value}></textarea></label>`;
  return view`<label>${label}<input name=${name} defaultValue=${value} required=${required} list=${hints && id} autocomplete="off" spellcheck=${false} autocapitalize="off" /></label>
    ${hints && view`<datalist id=${id}>${hints.map((hint) => view`<option key=${hint} value=${hint} />`)}</datalist>`}`;
}

function Told({ outcome }: { outcome: Outcome }) {
  if (outcome === "waiting") return view`<p class="hint">Waiting …</p>`;
  if ("error" in outcome)
    return view`<p class="answer wrong">✗ ${outcome.error}</p>`;
  return view`<${Answer} answer=${outcome.answer} />`;
}

/** A sidecar's answer: status, time, body. */
export function Answer({ answer }: { answer: CallAnswer }) {
  const { status, ms, text, base64, isCut } = answer;
  const isGood = status >= 200 && status < 300;
  const body = text === undefined ? (base64 ?? "") : pretty(text);
  return view`<p class=${isGood ? "answer" : "answer wrong"}>${isGood ? "✓" : "✗"} ${statusText(status)}, in ${ms} ms${isCut ? "; the first megabyte:" : ""}</p>
    ${body && view`<pre tabindex="0" aria-label="Answer">${body}</pre>`}`;
}
