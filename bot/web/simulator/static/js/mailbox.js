import { ask, Unanswered } from "./api.js";
import { freshId } from "./ids.js";
import { tab } from "./keep.js";

const EVERY = 1000;
const SLOWEST = 8000;
const BEFORE_ALL = "0-0";

/**
 * The messages of one phone: received ones are fetched each second while the page is seen, sent ones are kept in this tab.
 *
 * Says "change", and "arrived" (detail: the message) for every one that was received.
 */
export class Mailbox extends EventTarget {
  #path;
  #gateway;
  #recipient;
  #received = [];
  #sent = [];
  #draft = null;
  #seen = BEFORE_ALL;
  #timer = 0;
  #pause = EVERY;
  #fetching = null;

  phone = null;
  /** Whether the inbox could be read at the last try. */
  reachable = true;

  constructor(path, gateway, recipient) {
    super();
    this.#path = path;
    this.#gateway = gateway;
    this.#recipient = recipient;
    document.addEventListener("visibilitychange", () => this.#next(0));
  }

  /** Every message in the order in which it came or went: `{key, from: "service" | "phone", text, at, ...}`. */
  get messages() {
    const all = [...this.#received, ...this.#sent];
    return all.sort((one, other) => compare(one.position, other.position) || one.place - other.place);
  }

  get unread() {
    return this.#received.filter((message) => compare(message.position, this.#seen) > 0).length;
  }

  /** Look at the messages of another phone. */
  open(phone) {
    this.#fetching?.abort();
    this.phone = phone;
    this.#received = [];
    this.#sent = phone === null ? [] : tab.read(`sent:${phone}`, []);
    this.#seen = phone === null ? BEFORE_ALL : tab.read(`seen:${phone}`, BEFORE_ALL);
    this.#pause = EVERY;
    this.#changed();
    this.#next(0);
  }

  /** All that is here has been read. */
  markRead() {
    if (this.unread === 0) return;
    this.#seen = this.#last;
    tab.write(`seen:${this.phone}`, this.#seen);
    this.#changed();
  }

  /** Send an SMS to the service: the exchange. The same text after a failure keeps its id, so that it counts once. */
  async send(text) {
    const phone = this.phone;
    if (this.#draft?.text !== text || this.#draft.phone !== phone) this.#draft = { id: freshId("sms"), text, phone };
    const { id } = this.#draft;
    const position = this.#last;
    const exchange = await this.#gateway.post("sms", { phone, id, text, to: this.#recipient });
    if (exchange.status === 200) {
      this.#draft = null;
      const kept = phone === this.phone ? this.#sent : tab.read(`sent:${phone}`, []);
      kept.push({ key: id, from: "phone", text, at: exchange.at.toISOString(), position, place: Date.now() });
      tab.write(`sent:${phone}`, kept.slice(-50));
      this.#changed();
      this.#next(150);
    }
    return exchange;
  }

  get #last() {
    return this.#received.at(-1)?.position ?? BEFORE_ALL;
  }

  #next(delay) {
    clearTimeout(this.#timer);
    if (this.phone !== null && document.visibilityState === "visible") {
      this.#timer = setTimeout(() => this.#fetch(), delay);
    }
  }

  async #fetch() {
    this.#fetching?.abort();
    const fetching = (this.#fetching = new AbortController());
    try {
      const told = await ask(this.#path, { phone: this.phone, after: this.#last }, fetching.signal);
      this.#take(told.messages);
      this.#reach(true);
      this.#pause = EVERY;
    } catch (error) {
      if (!(error instanceof Unanswered)) {
        if (error.name === "AbortError") return;
        throw error;
      }
      this.#reach(false);
      this.#pause = Math.min(SLOWEST, this.#pause * 1.6);
    }
    this.#next(this.#pause);
  }

  #take(messages) {
    if (messages.length === 0) return;
    const fresh = messages.map((sms) => ({ ...sms, key: sms.id, from: "service", place: 0 }));
    this.#received.push(...fresh);
    this.#changed();
    for (const detail of fresh) this.dispatchEvent(new CustomEvent("arrived", { detail }));
  }

  #reach(reachable) {
    if (reachable === this.reachable) return;
    this.reachable = reachable;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** Positions are "milliseconds-number". */
function compare(one, other) {
  const [a, b] = [one, other].map((position) => position.split("-").map(Number));
  return a[0] - b[0] || a[1] - b[1];
}
