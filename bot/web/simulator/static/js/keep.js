/** Small things kept between two visits: for this tab, or for this browser. Where nothing can be kept, nothing breaks. */

function shelf(open, prefix = "balas-simulator:") {
  return {
    read(name, otherwise) {
      try {
        const kept = open().getItem(prefix + name);
        return kept === null ? otherwise : JSON.parse(kept);
      } catch {
        return otherwise;
      }
    },
    write(name, value) {
      try {
        open().setItem(prefix + name, JSON.stringify(value));
      } catch {
        // Full or forbidden: the page works on without.
      }
    },
  };
}

/** Kept as long as this tab: who is being played, what was texted. Two tabs are two phones. */
export const tab = shelf(() => sessionStorage);

/** Kept in this browser: habits. */
export const browser = shelf(() => localStorage);
