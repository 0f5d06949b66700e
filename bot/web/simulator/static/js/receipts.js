import { browser } from "./keep.js";

const REMEMBERED = 300;
export const CHOICES = ["delivered", "failed", "off"];

/** Reports what became of the messages that arrive, as an operator would, unless told not to. Says "change". */
export class Receipts extends EventTarget {
  #gateway;
  #queue = Promise.resolve();
  #reported = new Map(browser.read("reported", []));

  choice = browser.read("receipts", CHOICES[0]);

  constructor(gateway, mailbox) {
    super();
    this.#gateway = gateway;
    mailbox.addEventListener("arrived", ({ detail }) => {
      const { phone } = mailbox;
      this.#queue = this.#queue.then(() => this.#report(detail, phone));
    });
  }

  choose(choice) {
    this.choice = choice;
    browser.write("receipts", choice);
    this.dispatchEvent(new Event("change"));
  }

  /** What was reported of a message: delivered, failed, fault (the service did not take it), or undefined. */
  of(message) {
    return this.#reported.get(message.id);
  }

  async #report(message, phone) {
    const status = this.choice;
    if (status === "off" || this.#reported.has(message.id)) return;
    this.#reported.set(message.id, status);
    const exchange = await this.#gateway.post("receipt", { id: message.id, status, phone });
    if (exchange.status !== 200) this.#reported.set(message.id, "fault");
    browser.write("reported", [...this.#reported].slice(-REMEMBERED));
    this.dispatchEvent(new Event("change"));
  }
}
