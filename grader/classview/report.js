"use strict";
// Sorts and filters the table of submissions. It reads and moves what is there; it makes no request and keeps nothing.
(() => {
  const table = document.getElementById("submissions"), body = table.tBodies[0], rows = [...body.rows];
  const tools = document.getElementById("tools"), text = document.getElementById("filter");
  const kind = document.getElementById("kind"), count = document.getElementById("shown");
  const value = (row, column) => { const cell = row.cells[column]; return cell.dataset.value ?? cell.textContent.trim(); };
  const compare = (a, b, numeric) => numeric ? Number(a) - Number(b) : a.localeCompare(b, undefined, {numeric: true});
  const filter = () => {
    const wanted = text.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      const fits = kind.value === "" || row.dataset.kinds.split(" ").includes(kind.value);
      row.hidden = !(fits && row.textContent.toLowerCase().includes(wanted));
      shown += !row.hidden;
    }
    count.textContent = `${shown} of ${rows.length} shown`;
  };
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending", numeric = "numeric" in head.dataset;
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const keyed = rows.map((row, index) => [value(row, column), row, index]);
      keyed.sort(([a, , i], [b, , j]) => {
        if ((a === "") !== (b === "")) return a === "" ? 1 : -1; // what there is none of comes last, either way
        return (down ? -1 : 1) * compare(a, b, numeric) || i - j;
      });
      body.append(...keyed.map(([, row]) => row));
    });
  });
  text.addEventListener("input", filter);
  kind.addEventListener("change", filter);
  tools.hidden = false;
  filter();
})();
