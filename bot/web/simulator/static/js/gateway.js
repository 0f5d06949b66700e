/** Milliseconds that a gateway waits for an answer (Africa's Talking: 15 s). */
const PATIENCE = 15_000;

/** Posts to the service's real webhooks, as the simulated gateway, and writes everything down. */
export class Gateway {
  #webhooks;
  #log;

  constructor(webhooks, log) {
    this.#webhooks = webhooks;
    this.#log = log;
  }

  /**
   * Post `fields` to the webhook of a `kind` (ussd, sms, receipt). Never throws: the exchange that comes back has a
   * `status` (0: no answer), the `body` and the milliseconds it took. `again`: it repeats the one before.
   */
  async post(kind, fields, { again = false } = {}) {
    const { path, masked } = this.#webhooks[kind];
    const body = new URLSearchParams(fields);
    const exchange = this.#log.add({ kind, path, masked, fields: { ...fields }, form: body.toString(), at: new Date(), again });
    const started = performance.now();
    const took = () => Math.round(performance.now() - started);
    try {
      const answer = await fetch(path, { method: "POST", body, credentials: "omit", signal: AbortSignal.timeout(PATIENCE) });
      const text = await answer.text();
      const type = answer.headers.get("Content-Type") ?? "";
      return this.#log.settle(exchange, { status: answer.status, type, body: text, took: took() });
    } catch (error) {
      return this.#log.settle(exchange, { status: 0, type: "", body: "", took: took(), fault: error.name });
    }
  }
}
