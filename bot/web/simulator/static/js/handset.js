import { words } from "./words.js";

const USSD_CODE = /^[*#][0-9*#]*#$/;

/**
 * What the keys of the handset do, whatever the session is at. Says "change"; asks for "messages" to be opened.
 *
 * `face`: idle, dialling (something is typed), waiting, asking, ended, failed, or notice (the handset's own words).
 */
export class Handset extends EventTarget {
  #code;
  #caller;
  #mailbox;
  #session;
  #notice = null;

  typed = "";

  constructor({ code, caller, mailbox, session }) {
    super();
    this.#code = code;
    this.#caller = caller;
    this.#mailbox = mailbox;
    this.#session = session;
    session.addEventListener("change", () => {
      if (session.state !== "idle") this.#notice = null;
      if (session.state !== "waiting") this.typed = "";
      this.#changed();
    });
    caller.addEventListener("phone", () => {
      this.#notice = null;
      this.typed = "";
      session.reset();
    });
  }

  get face() {
    if (this.#session.state !== "idle") return this.#session.state;
    if (this.#notice !== null) return "notice";
    return this.typed === "" ? "idle" : "dialling";
  }

  /** The words on the display. */
  get screen() {
    switch (this.face) {
      case "asking":
      case "ended":
        return this.#session.screen;
      case "waiting":
        return words.say("phone.waiting");
      case "failed":
        return words.say(`phone.${this.#session.screen}`);
      case "notice":
        return words.say(this.#notice, { code: this.#code });
      default:
        return "";
    }
  }

  /** The words over the two soft keys. */
  get soft() {
    const clear = words.say("soft.clear");
    switch (this.face) {
      case "idle":
        return [this.#code, this.#mailbox.unread > 0 ? words.say("soft.read") : words.say("soft.messages")];
      case "dialling":
        return [words.say("soft.call"), clear];
      case "asking":
        return [words.say("soft.send"), this.typed === "" ? words.say("soft.cancel") : clear];
      case "waiting":
        return ["", words.say("soft.cancel")];
      default:
        return [words.say("soft.done"), this.#mailbox.unread > 0 ? words.say("soft.read") : ""];
    }
  }

  /** Whether anything can be typed now. */
  get takesInput() {
    return ["idle", "dialling", "asking"].includes(this.face);
  }

  /** What stands in the entry from now on. */
  type(text) {
    this.typed = this.takesInput ? text : "";
    this.#changed();
  }

  /** The left soft key, OK, and Enter: the step that is next. */
  forward() {
    if (["ended", "failed", "notice"].includes(this.face)) this.#home();
    else this.call();
  }

  /** The green key. */
  call() {
    if (this.#session.state === "asking") {
      if (this.typed !== "") this.#session.answer(this.typed);
    } else if (this.#session.state !== "waiting") {
      this.#dial(this.typed === "" ? this.#code : this.typed);
    }
  }

  /** The red key and Esc. */
  hangUp() {
    this.#home();
  }

  /** The right soft key. */
  backward() {
    if (this.face === "asking" || this.face === "dialling") {
      if (this.typed === "") this.#home();
      else this.type(this.typed.slice(0, -1));
    } else if (this.face === "waiting") {
      this.#home();
    } else if (this.face === "idle" || this.#mailbox.unread > 0) {
      this.dispatchEvent(new Event("messages"));
    }
  }

  /** The session is lost, as when a phone leaves the network. */
  lose() {
    const lost = this.#session.open;
    this.#session.drop();
    if (lost) this.#say("phone.dropped");
  }

  #dial(code) {
    if (this.#caller.phone === null) this.#say("phone.no-number");
    else if (code === this.#code) this.#session.dial(this.#caller.phone, code);
    else this.#say(USSD_CODE.test(code) ? "phone.unknown-code" : "phone.voice");
  }

  #home() {
    this.#notice = null;
    this.typed = "";
    this.#session.drop();
  }

  #say(notice) {
    this.typed = "";
    this.#session.drop();
    this.#notice = notice;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
