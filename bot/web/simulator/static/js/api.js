import { words } from "./words.js";

/** The simulator's own JSON, told apart from the webhooks: it is no part of what a gateway does. */

/** Something that the page asked for and did not get; `status` 0 means that nobody answered. */
export class Unanswered extends Error {
  constructor(status, told = {}) {
    super(told.reason ?? String(status));
    this.status = status;
    this.about = told.error ?? "";
    this.reason = told.reason ?? "";
  }

  /** In words for the person in front of the page. */
  get inWords() {
    if (this.status === 0) return words.say("fault.offline");
    if (this.status === 503) return words.say("fault.away");
    return words.say("fault.other", { status: this.status });
  }
}

/** Fetch JSON; raises `Unanswered`. `signal` takes the wish back. */
export async function ask(path, query = {}, signal = undefined) {
  let answer;
  let told;
  try {
    answer = await fetch(`${path}?${new URLSearchParams(query)}`, { signal, headers: { Accept: "application/json" } });
    told = answer.headers.get("Content-Type")?.startsWith("application/json") ? await answer.json() : {};
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unanswered(0);
  }
  if (!answer.ok) throw new Unanswered(answer.status, told);
  return told;
}
