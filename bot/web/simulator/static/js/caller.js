import { tab } from "./keep.js";

/**
 * Who is being played: a `worker` of the sample or null, and the `phone` they call from or null.
 *
 * `source`: own (the number on the list), strange (one made up for them), typed. Says "change", and "phone" when the
 * number became another one.
 */
export class Caller extends EventTarget {
  worker = null;
  phone = null;
  source = "typed";
  listed = false;

  /** What was played in this tab before; false if nothing was. */
  restore() {
    const kept = tab.read("caller", null);
    if (kept?.phone) this.#become(kept);
    return this.phone !== null;
  }

  playOwn(worker) {
    this.#become({ worker, phone: worker.phone, source: "own", listed: true });
  }

  playStrange(worker, phone) {
    this.#become({ worker, phone, source: "strange", listed: false });
  }

  playTyped(phone, listed) {
    this.#become({ worker: null, phone, source: "typed", listed });
  }

  /** The same worker, with what has become of them meanwhile. */
  refresh(worker) {
    if (worker.nik === this.worker?.nik) this.#become({ ...this.#kept(), worker });
  }

  #kept() {
    const { worker, phone, source, listed } = this;
    return { worker, phone, source, listed };
  }

  #become(next) {
    const another = next.phone !== this.phone;
    Object.assign(this, next);
    tab.write("caller", this.#kept());
    if (another) this.dispatchEvent(new Event("phone"));
    this.dispatchEvent(new Event("change"));
  }
}

/** A number as people read it: +62 812-3456-7890. */
export function spaced(phone) {
  const [, country, first, second, rest] = /^(\+62|\+\d{2})(\d{3})(\d{3,4})(\d*)$/.exec(phone) ?? [];
  if (country === undefined) return phone;
  return `${country} ${[first, second, rest].filter(Boolean).join("-")}`;
}
