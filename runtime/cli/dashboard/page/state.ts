/** The keys of an app's state stores, and a value when it is asked for. */
import { useState } from "preact/hooks";
import { printable } from "../../printable.ts";
import type { App, CallAnswer, KeysAnswer } from "../messages.ts";
import { callApi, readKeys } from "./api.ts";
import { Answer } from "./forms/request-form.ts";
import { plainKey, readRequest } from "./forms/requests.ts";
import { view } from "./view.ts";

/** How many pages of keys are asked for before the reader is. */
const mostPages = 20;

export function State({ app }: { app: App }) {
  const stores = app.components
    .filter(({ type }) => type.startsWith("state."))
    .map(({ name }) => name);
  const [chosen, setStore] = useState<string>();
  const store = stores.includes(chosen ?? "") ? chosen! : stores[0];
  if (store === undefined)
    return view`<p class="hint">This app has no state store.</p>`;
  return view`
    ${
      stores.length > 1 &&
      view`<label>State store
      <select value=${store} onChange=${(event: Event) => setStore((event.currentTarget as HTMLSelectElement).value)}>
        ${stores.map((name) => view`<option key=${name} value=${name}>${name}</option>`)}
      </select>
    </label>`
    }
    <${Keys} key=${store} app=${app} store=${store} />`;
}

interface Value {
  key: string;
  answer?: CallAnswer;
  error?: string;
}

function Keys({ app, store }: { app: App; store: string }) {
  const [keys, setKeys] = useState<string[]>();
  const [next, setNext] = useState<string | null>(null);
  const [error, setError] = useState("");
  const [value, setValue] = useState<Value>();
  const read = async (after: string) => {
    try {
      const found = new Set(after ? keys : []);
      const before = found.size;
      let from: string | null = after;
      // A page of keys may be empty although others follow.
      for (let n = 0; n < mostPages && from !== null; n++) {
        const answer: KeysAnswer = await readKeys(app, store, from);
        for (const key of answer.keys) found.add(key);
        from = answer.next;
        if (found.size > before) break;
      }
      setKeys([...found]);
      setNext(from);
      setError("");
    } catch (failure) {
      setError((failure as Error).message);
    }
  };
  const show = async (key: string) => {
    setValue({ key });
    try {
      setValue({ key, answer: await callApi(app, readRequest(store, key)) });
    } catch (failure) {
      setValue({ key, error: (failure as Error).message });
    }
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    void show(String(form.get("key")));
  };
  return view`<div class="toolbar">
      <button type="button" onClick=${() => read("")}>${keys ? "Read the keys again" : `Read the keys of ${printable(store)}`}</button>
      <form class="inline" onSubmit=${submit}>
        <label>Key <input name="key" required autocomplete="off" spellcheck=${false} /></label>
        <button type="submit">Read its value</button>
      </form>
    </div>
    <p role="status" class=${error ? "answer wrong" : "hint"}>${error ? `✗ ${error}` : keys && sayKeys(keys.length, next !== null)}</p>
    <div class="split">
      <ul class="keys" aria-label="Keys">
        ${keys?.map((key) => view`<li key=${key}><button type="button" aria-pressed=${String(value?.key === plainKey(key))} onClick=${() => show(plainKey(key))}>${printable(key)}</button></li>`)}
        ${next !== null && view`<li key="more"><button type="button" onClick=${() => read(next)}>More keys</button></li>`}
      </ul>
      <div class="detail" role="region" aria-label="Value">
        ${value ? view`<h3>${printable(value.key)}</h3><${ValueView} value=${value} />` : view`<p class="hint">A value is read when you choose its key.</p>`}
      </div>
    </div>`;
}

const sayKeys = (count: number, hasMore: boolean) =>
  `${count} ${count === 1 ? "key" : "keys"} of this app${hasMore ? ", and more" : ""}.`;

function ValueView({ value: { answer, error } }: { value: Value }) {
  if (error) return view`<p class="answer wrong">✗ ${error}</p>`;
  if (!answer) return view`<p class="hint">Waiting …</p>`;
  if (answer.status === 204)
    return view`<p class="hint">There is no value of this key.</p>`;
  return view`<${Answer} answer=${answer} />`;
}
