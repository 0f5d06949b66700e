const KEPT = 20;

/** The last requests to the webhooks and their answers, newest first. Says "change" when one is added or answered. */
export class ExchangeLog extends EventTarget {
  #count = 0;
  exchanges = [];

  add(exchange) {
    const kept = { ...exchange, number: ++this.#count };
    this.exchanges = [kept, ...this.exchanges].slice(0, KEPT);
    this.#changed();
    return kept;
  }

  /** What became of an exchange. */
  settle(exchange, outcome) {
    Object.assign(exchange, outcome, { settled: true });
    this.#changed();
    return exchange;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
