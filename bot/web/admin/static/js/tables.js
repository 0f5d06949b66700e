// Tables that sort by a click on a column's head, and lists that are searched as one types.

const valueOf = (cell) => cell.dataset.value ?? cell.textContent.trim();

function compare(a, b) {
  const [x, y] = [Number(a), Number(b)];
  return Number.isNaN(x) || Number.isNaN(y) || a === "" || b === "" ? a.localeCompare(b, undefined, { numeric: true }) : x - y;
}

export function sortable(table) {
  if (table.dataset.ready) return;
  table.dataset.ready = "yes";
  table.querySelectorAll("thead th").forEach((head, column) => {
    if (head.dataset.sort === "no" || !head.textContent.trim()) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const upward = head.getAttribute("aria-sort") !== "ascending";
      table.querySelectorAll("thead th").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", upward ? "ascending" : "descending");
      const body = table.tBodies[0];
      const rows = [...body.rows].sort((a, b) => compare(valueOf(a.cells[column]), valueOf(b.cells[column])));
      body.append(...(upward ? rows : rows.reverse()));
    });
  });
}

export function searchable(input) {
  if (input.dataset.ready) return;
  input.dataset.ready = "yes";
  const table = document.getElementById(input.dataset.search);
  const nothing = document.getElementById(`${input.dataset.search}-nothing`);
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      row.hidden = wanted !== "" && !row.textContent.toLowerCase().includes(wanted);
      shown += row.hidden ? 0 : 1;
    }
    if (nothing) nothing.hidden = shown > 0;
  });
}
