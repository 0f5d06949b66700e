import { freshId } from "./ids.js";

/**
 * A USSD session as the network sees it. Every input so far travels in `text`, joined by stars.
 *
 * `state`: idle, waiting (for the answer), asking (for an input), ended (last screen), failed. Says "change".
 */
export class UssdSession extends EventTarget {
  #gateway;
  #id = "";
  #request = null;
  #turn = 0;

  state = "idle";
  screen = "";
  hops = 0;
  startedAt = null;
  endedAt = null;

  constructor(gateway) {
    super();
    this.#gateway = gateway;
  }

  /** Whether there is a request that could be sent again. */
  get repeatable() {
    return this.#request !== null && this.state !== "waiting";
  }

  /** Whether the network would say that a session is under way. */
  get open() {
    return this.state === "waiting" || this.state === "asking";
  }

  dial(phone, code) {
    this.#id = freshId("ussd");
    Object.assign(this, { hops: 0, startedAt: Date.now(), endedAt: null, screen: "" });
    return this.#send({ phone, session: this.#id, code, text: "" });
  }

  answer(input) {
    const before = this.#request.text;
    return this.#send({ ...this.#request, text: before === "" ? input : `${before}*${input}` });
  }

  /** The last request once more, to the letter, as some operators send it. */
  again() {
    this.endedAt = null;
    return this.#send(this.#request, true);
  }

  /** Forget the session; the service is not told, just as when a phone loses its network. */
  drop() {
    this.#turn += 1;
    if (this.open) this.endedAt = Date.now();
    this.#become("idle", "");
  }

  /** Another phone: nothing of this session is left. */
  reset() {
    this.drop();
    this.#request = null;
    Object.assign(this, { hops: 0, startedAt: null, endedAt: null });
    this.#become("idle", "");
  }

  async #send(request, again = false) {
    const turn = ++this.#turn;
    this.#request = request;
    this.#become("waiting", this.screen);
    const { status, body } = await this.#gateway.post("ussd", request, { again });
    if (turn !== this.#turn) return;
    const [, kind, text] = /^(CON|END) ([\s\S]*)$/.exec(body) ?? [];
    if (status !== 200 || kind === undefined) {
      this.endedAt = Date.now();
      this.#become("failed", status === 0 ? "nothing" : "broken");
      return;
    }
    if (!again) this.hops += 1;
    if (kind === "END") this.endedAt = Date.now();
    this.#become(kind === "CON" ? "asking" : "ended", text);
  }

  #become(state, screen) {
    this.state = state;
    this.screen = screen;
    this.dispatchEvent(new Event("change"));
  }
}
